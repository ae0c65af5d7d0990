import { button, make } from "./dom";

/** What arrows send after `ESC [`, or, where the program asked for that, after `ESC O`. */
const ARROWS = { "←": ["Left", "D"], "↑": ["Up", "A"], "↓": ["Down", "B"], "→": ["Right", "C"] } as const;

/** A row of the keys that the keyboards of phones lack. It is shown where a finger points. */
export class KeysBar {
  readonly element = make("div", "hostel-terminal-bar hostel-terminal-keys");
  readonly #ctrl: HTMLButtonElement;
  readonly #press: (text: string) => void;

  /** `press` types a text; `applicationArrows` tells whether the program has asked for the arrows of applications (DECCKM). */
  constructor(press: (text: string) => void, applicationArrows: () => boolean) {
    this.#press = press;
    this.#ctrl = button("Ctrl, for the next key", () => this.#hold(!this.#held), "Ctrl");
    this.#hold(false);
    const arrows = Object.entries(ARROWS).map(([text, [name, code]]) => {
      const plain = () => `\x1b${applicationArrows() ? "O" : "["}${code}`;
      return button(name, () => this.#send(this.#held ? `\x1b[1;5${code}` : plain()), text);
    });
    const esc = button("Esc", () => this.#send("\x1b"));
    const tab = button("Tab", () => this.#send("\t"));
    this.element.append(esc, tab, this.#ctrl, ...arrows);
    this.element.setAttribute("role", "toolbar");
    this.element.setAttribute("aria-label", "Keys");
    // The terminal keeps the focus, and with it the phone its keyboard.
    this.element.addEventListener("mousedown", (event) => event.preventDefault());
  }

  /** What was typed, with Ctrl where that was pressed before it. */
  withCtrl(typed: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const [code] = typed;
    if (!this.#held || code === undefined || typed.length > 1) {
      return typed;
    }
    this.#hold(false);
    // From @ to DEL, as terminals have always done it; Ctrl-Space is that of @.
    return code >= 0x40 || code === 0x20 ? Uint8Array.of(code & 0x1f) : typed;
  }

  get #held(): boolean {
    return this.#ctrl.ariaPressed === "true";
  }

  #hold(held: boolean): void {
    this.#ctrl.ariaPressed = String(held);
  }

  #send(text: string): void {
    this.#hold(false);
    this.#press(text);
  }
}
