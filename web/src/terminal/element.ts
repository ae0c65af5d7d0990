import "./terminal.css";
import type { ConnectionState } from "./states";
import { type Theme, themeOf } from "./themes";
import { type Settings, TerminalView } from "./view";

const FONT_SIZE = 13;
const SCROLLBACK = 10_000;

/** What the element tells, by name. */
export interface TerminalEventMap {
  /** The connection is doing something else. */
  statechange: CustomEvent<ConnectionState>;
  /** The program calls its terminal so; the text is safe to show. */
  titlechange: CustomEvent<string>;
  /** A person has chosen another size of the font, in pixels. */
  fontsizechange: CustomEvent<number>;
  /** The credential is missing, or is good no more. Sign in, then call `retry()`. */
  unauthorized: CustomEvent<void>;
}

/** `<hostel-terminal src="/api/terminals/t…">`: see README.md. */
export class HostelTerminal extends HTMLElement {
  static readonly observedAttributes = ["src", "theme", "font-size", "readonly", "screen-reader", "scrollback"];
  #view: TerminalView | null = null;
  #token: (() => Promise<string>) | undefined;
  #keepAlive: (() => void) | null = null;
  #theme: Theme | null = null;
  #scheme: AbortController | null = null;

  /** Answers a token for the first frame, at each try; undefined for the browser's cookie. Counts from the next `src` on. */
  get token(): (() => Promise<string>) | undefined {
    return this.#token;
  }

  set token(value: (() => Promise<string>) | undefined) {
    this.#token = value;
  }

  /** Moves the deadline of the room; null, and there is no such button. */
  get keepAlive(): (() => void) | null {
    return this.#keepAlive;
  }

  set keepAlive(value: (() => void) | null) {
    this.#keepAlive = value;
    this.#change();
  }

  /** Colours of its own, instead of those that the attribute `theme` names. */
  get colors(): Theme | null {
    return this.#theme;
  }

  set colors(value: Theme | null) {
    this.#theme = value;
    this.#change();
  }

  /** Connect now, whatever has failed before. */
  retry(): void {
    this.#view?.retry();
  }

  /** The same, where that was what failed: somebody has signed in again. */
  retryUnauthorized(): void {
    this.#view?.retryUnauthorized();
  }

  /** Take the keys. */
  override focus(): void {
    this.#view?.focus();
  }

  /** What is on the screen, and above it. */
  get text(): string {
    return this.#view?.text() ?? "";
  }

  connectedCallback(): void {
    this.#open();
    this.#scheme = new AbortController();
    const { signal } = this.#scheme;
    window.matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => this.#change(), { signal });
  }

  disconnectedCallback(): void {
    this.#scheme?.abort();
    this.#view?.dispose();
    this.#view = null;
  }

  attributeChangedCallback(name: string): void {
    if (!this.isConnected) {
      return;
    }
    if (name === "src") {
      this.#open();
    } else {
      this.#change();
    }
  }

  #open(): void {
    this.#view?.dispose();
    this.#view = null;
    if (this.hasAttribute("src")) {
      this.#view = new TerminalView(this, this.#settings(), {
        state: (state) => this.#told(state),
        title: (title) => this.#tell("titlechange", title),
        fontSize: (pixels) => this.#tell("fontsizechange", pixels),
      });
      void this.#view.start();
    }
  }

  #change(): void {
    this.#view?.change(this.#settings());
  }

  #told(state: ConnectionState): void {
    this.#tell("statechange", state);
    if (state.name === "failed" && state.reason === "unauthorized") {
      this.#tell("unauthorized", undefined);
    }
  }

  #tell<Name extends keyof TerminalEventMap>(name: Name, detail: TerminalEventMap[Name]["detail"]): void {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #settings(): Settings {
    const style = getComputedStyle(this);
    const url = new URL(this.getAttribute("src") ?? "", document.baseURI);
    url.protocol = url.protocol.replace("http", "ws");
    return {
      url: url.href,
      token: this.#token,
      readOnly: this.hasAttribute("readonly"),
      keepAlive: this.#keepAlive,
      look: {
        theme: this.#theme ?? themeOf(this.getAttribute("theme")),
        fontFamily: style.getPropertyValue("--hostel-terminal-font").trim() || "monospace",
        fontSize: this.#number("font-size", FONT_SIZE),
        screenReader: this.hasAttribute("screen-reader"),
        scrollback: this.#number("scrollback", SCROLLBACK),
        motion: !window.matchMedia("(prefers-reduced-motion: reduce)").matches,
      },
    };
  }

  #number(name: string, usual: number): number {
    const value = Number(this.getAttribute(name) ?? usual);
    return Number.isFinite(value) && value > 0 ? value : usual;
  }
}

if (!customElements.get("hostel-terminal")) {
  customElements.define("hostel-terminal", HostelTerminal);
}
