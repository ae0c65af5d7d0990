import { button, make } from "./dom";

/** A bar that asks before something is done, and says no by itself to Escape. */
export class ConfirmBar {
  readonly element: HTMLElement;
  readonly #question = make("span", "hostel-terminal-question");
  readonly #yes: HTMLButtonElement;
  readonly #left: () => void;
  #act: (() => void) | null = null;

  /** `left` is called when it was answered. */
  constructor(left: () => void) {
    this.#left = left;
    this.#yes = button("Paste", () => this.#answer(true));
    const no = button("Cancel", () => this.#answer(false));
    this.element = make("div", "hostel-terminal-bar", this.#question, this.#yes, no);
    this.element.setAttribute("role", "alertdialog");
    this.element.setAttribute("aria-label", "Paste");
    this.element.hidden = true;
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.preventDefault();
        this.#answer(false);
      }
    });
  }

  /** Ask, and `act` when the answer is yes. */
  ask(question: string, act: () => void): void {
    this.#question.textContent = question;
    this.#act = act;
    this.element.hidden = false;
    this.#yes.focus();
  }

  #answer(yes: boolean): void {
    const act = this.#act;
    this.#act = null;
    this.element.hidden = true;
    this.#left();
    if (yes) {
      act?.();
    }
  }
}
