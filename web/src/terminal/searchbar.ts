import { button, make } from "./dom";

/** What is searched for, and how. */
export interface Search {
  text: string;
  caseSensitive: boolean;
  regex: boolean;
}

/** A small bar above the screen: a field, next and previous, and how matches are told. */
export class SearchBar {
  readonly element: HTMLElement;
  readonly #field = make("input", "hostel-terminal-search");
  readonly #count = make("span", "hostel-terminal-count");
  readonly #case: HTMLButtonElement;
  readonly #regex: HTMLButtonElement;
  readonly #find: (search: Search, backwards: boolean) => void;
  readonly #left: () => void;

  /** `find` shows a match; `left` is called when the bar has been closed. */
  constructor(find: (search: Search, backwards: boolean) => void, left: () => void) {
    this.#find = find;
    this.#left = left;
    this.#field.type = "search";
    this.#field.placeholder = "Search";
    this.#field.setAttribute("aria-label", "Search in the terminal");
    this.#count.setAttribute("role", "status");
    this.#case = this.#toggle("Match case", "Aa");
    this.#regex = this.#toggle("Regular expression", ".*");
    const previous = button("Previous match", () => this.#go(true), "↑");
    const next = button("Next match", () => this.#go(false), "↓");
    const close = button("Close search", () => this.close(), "×");
    this.element = make("div", "hostel-terminal-bar", this.#field, this.#count, this.#case, this.#regex, previous, next, close);
    this.element.setAttribute("role", "search");
    this.element.hidden = true;
    this.#field.addEventListener("input", () => this.#go(false));
    this.element.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Show it, and take the keys. */
  open(): void {
    this.element.hidden = false;
    this.#field.focus();
    this.#field.select();
  }

  /** Hide it. */
  close(): void {
    this.element.hidden = true;
    this.#count.textContent = "";
    this.#left();
  }

  /** Say which match is shown, from 0, and how many there are. */
  found(index: number, count: number): void {
    const which = index < 0 ? `${count} matches` : `${index + 1} of ${count}`;
    this.#count.textContent = this.#field.value === "" ? "" : count === 0 ? "No match" : which;
  }

  #toggle(label: string, text: string): HTMLButtonElement {
    const made = button(
      label,
      () => {
        made.ariaPressed = made.ariaPressed === "true" ? "false" : "true";
        this.#go(false);
      },
      text,
    );
    made.ariaPressed = "false";
    return made;
  }

  #go(backwards: boolean): void {
    const search = {
      text: this.#field.value,
      caseSensitive: this.#case.ariaPressed === "true",
      regex: this.#regex.ariaPressed === "true",
    };
    this.#find(search, backwards);
  }

  #key(event: KeyboardEvent): void {
    if (event.key === "Escape") {
      this.close();
    } else if (event.key === "Enter" && event.target === this.#field) {
      this.#go(event.shiftKey);
    } else {
      return;
    }
    event.preventDefault();
  }
}
