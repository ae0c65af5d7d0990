import { button, make } from "./dom";
import type { ConnectionState } from "./states";

/** What a status bar shows. */
export interface Status {
  connection: ConnectionState;
  /** Of the terminal, in characters. */
  size: { cols: number; rows: number } | null;
  /** Whether the pane has room for more, but another viewer has not. */
  shrunk: boolean;
  viewers: number | null;
  /** When the room closes if nobody uses it, as ISO 8601. */
  deadline: string | null;
  /** The pointer is on this link. */
  link: string | null;
  readOnly: boolean;
  /** Something that went wrong, for a while. */
  notice: string;
}

const SOON = 5 * 60_000;

/** One line below the screen: how the connection is, and what can be done about it. */
export class StatusBar {
  readonly element: HTMLElement;
  readonly #state = make("span", "hostel-terminal-state");
  readonly #retry: HTMLButtonElement;
  readonly #notice = make("span", "hostel-terminal-notice");
  readonly #deadline = make("span", "hostel-terminal-deadline");
  readonly #keep: HTMLButtonElement;
  readonly #viewers = make("span", "hostel-terminal-viewers");
  readonly #size = make("span", "hostel-terminal-size");
  #status: Status | null = null;
  #ticker: ReturnType<typeof setTimeout> | undefined;

  /** `keepAlive` is null where nothing can move the deadline. */
  constructor(retry: () => void, keepAlive: () => (() => void) | null) {
    this.#retry = button("Retry", retry);
    this.#keep = button("Keep alive", () => keepAlive()?.());
    this.#state.setAttribute("role", "status");
    this.#notice.setAttribute("role", "status");
    this.#keepAlive = keepAlive;
    const rest = make("span", "hostel-terminal-rest", this.#deadline, this.#keep, this.#viewers, this.#size);
    this.element = make("div", "hostel-terminal-status", this.#state, this.#retry, this.#notice, rest);
    this.element.tabIndex = -1;
  }

  readonly #keepAlive: () => (() => void) | null;

  /** Show it. */
  show(status: Status): void {
    this.#status = status;
    const { connection, size, viewers } = status;
    this.element.dataset["state"] = connection.name;
    write(this.#state, status.readOnly && connection.name === "connected" ? "Connected, watching only" : stateOf(connection));
    this.#retry.hidden = !retryable(connection);
    write(this.#notice, status.link === null ? status.notice : `Ctrl-click opens ${status.link}`);
    write(this.#viewers, viewers !== null && viewers > 1 ? `${viewers} viewers` : "");
    write(
      this.#size,
      size === null ? "" : `${size.cols}×${size.rows}${status.shrunk ? ", the size of the smallest viewer" : ""}`,
    );
    this.#count();
  }

  /** Stop counting. */
  dispose(): void {
    clearTimeout(this.#ticker);
  }

  #count(): void {
    clearTimeout(this.#ticker);
    const deadline = this.#status?.connection.name === "connected" ? this.#status.deadline : null;
    const left = deadline === null ? Number.NaN : Date.parse(deadline) - Date.now();
    const known = !Number.isNaN(left);
    write(this.#deadline, known ? `Stops in ${durationOf(left)}` : "");
    this.#deadline.toggleAttribute("data-soon", left < SOON);
    this.#keep.hidden = !known || this.#keepAlive() === null;
    if (known) {
      this.#ticker = setTimeout(() => this.#count(), left < 2 * 60_000 ? 1_000 : 15_000);
    }
  }
}

function write(element: HTMLElement, text: string): void {
  if (element.textContent !== text) {
    element.textContent = text;
  }
  element.hidden = text === "";
}

function retryable(state: ConnectionState): boolean {
  return state.name === "reconnecting" || (state.name === "failed" && state.reason !== "gone");
}

/** What people read of a state. */
export function stateOf(state: ConnectionState): string {
  switch (state.name) {
    case "connecting":
      return "Connecting…";
    case "connected":
      return "Connected";
    case "reconnecting":
      return "Connection lost. Reconnecting…";
    case "failed":
      return state.message;
    case "exited":
      return state.signal === null ? `Exited with status ${state.code ?? 0}` : `Ended by ${state.signal}`;
  }
}

/** Milliseconds as people say them. */
export function durationOf(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 120) {
    return `${seconds} s`;
  }
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) {
    return `${minutes} min`;
  }
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}
