import { ConfirmBar } from "./confirmbar";
import { TerminalConnection } from "./connection";
import { make, onResize, onWake } from "./dom";
import { KeysBar } from "./keysbar";
import type { Look, Screen } from "./screen";
import { SearchBar } from "./searchbar";
import { commandOf } from "./shortcuts";
import type { ConnectionOptions, ConnectionState } from "./states";
import { type Status, StatusBar } from "./statusbar";
import { bytesOf, linesOf, pasteOf, titleOf } from "./text";
import { throttled } from "./throttled";

/** Milliseconds in which a pane must have kept its size before the program is told. */
const SETTLE = 80;
/** Milliseconds for which a notice is shown. */
const NOTICE = 8_000;
/** Milliseconds between two titles: a program can change its own faster than anybody reads. */
const TITLES = 250;
const FONT = { least: 6, most: 40 };

/** What a terminal shows and where it leads. */
export interface Settings extends ConnectionOptions {
  look: Look;
  /** Take no input, and have no say in the size. */
  readOnly: boolean;
  /** Moves the deadline; null hides the button. */
  keepAlive: (() => void) | null;
}

/** What a terminal tells the page around it. */
export interface Told {
  state(state: ConnectionState): void;
  title(title: string): void;
  fontSize(pixels: number): void;
}

/** A terminal in an element: the screen, its connection, and the bars around it. */
export class TerminalView {
  readonly #host: HTMLElement;
  readonly #pane = make("div", "hostel-terminal-pane");
  readonly #told: Told;
  readonly #connection: TerminalConnection;
  readonly #statusBar: StatusBar;
  readonly #searchBar: SearchBar;
  readonly #confirmBar: ConfirmBar;
  readonly #keysBar: KeysBar;
  readonly #leaving = new AbortController();
  readonly #usualSize: number;
  #settings: Settings;
  #screen: Screen | null = null;
  #replaying = true;
  #written = true;
  /** The server takes no input of this viewer. */
  #refused = false;
  #notices: ReturnType<typeof setTimeout> | undefined;
  #status: Status;

  /** Fills `host`. Nothing is loaded before `start`. */
  constructor(host: HTMLElement, settings: Settings, told: Told) {
    this.#host = host;
    this.#settings = settings;
    this.#told = told;
    this.#usualSize = settings.look.fontSize;
    this.#connection = new TerminalConnection(settings, {
      state: (state) => this.#became(state),
      output: (data, old, drawn) => this.#print(data, old, drawn),
      gap: (bytes) => this.#screen?.note(`${bytesOf(bytes)} of output were not kept`),
      size: (cols, rows, viewers) => this.#resized(cols, rows, viewers),
      deadline: (deadline) => this.#show({ deadline }),
      refused: (message) => this.#notice(message),
    });
    this.#status = {
      connection: this.#connection.state,
      size: null,
      shrunk: false,
      viewers: null,
      deadline: null,
      link: null,
      readOnly: settings.readOnly,
      notice: "",
    };
    this.#statusBar = new StatusBar(
      () => this.#connection.open(),
      () => this.#settings.keepAlive,
    );
    this.#searchBar = new SearchBar(
      ({ text, ...how }, backwards) => this.#screen?.find(text, how, backwards),
      () => this.#unsearch(),
    );
    this.#confirmBar = new ConfirmBar(() => this.focus());
    this.#keysBar = new KeysBar(
      (text) => this.#screen?.type(text),
      () => this.#screen?.applicationArrows ?? false,
    );
    const bars = [this.#confirmBar, this.#keysBar, this.#statusBar];
    host.append(this.#searchBar.element, this.#pane, ...bars.map((bar) => bar.element));
    this.#show({});
  }

  /** Load the screen, and connect. */
  async start(): Promise<void> {
    const { Screen } = await import("./screen");
    if (this.#leaving.signal.aborted) {
      return;
    }
    this.#screen = new Screen(this.#pane, this.#settings.look, {
      input: (data) => this.#type(this.#keysBar.withCtrl(data)),
      muted: () => this.#muted(),
      title: throttled(TITLES, (title: string) => this.#told.title(titleOf(title))),
      link: (link) => this.#show({ link }),
      shortcut: (event) => this.#shortcut(event),
      found: (index, count) => this.#searchBar.found(index, count),
    });
    this.#screen.readOnly = this.#settings.readOnly;
    this.#pane.addEventListener("paste", (event) => this.#pasted(event), { capture: true });
    onResize(
      this.#pane,
      throttled(SETTLE, () => this.#fit()),
      this.#leaving.signal,
    );
    onWake(() => this.#connection.wake(), this.#leaving.signal);
    this.#fit();
    this.#connection.open();
    if (this.#host.autofocus) {
      this.focus();
    }
  }

  /** Look otherwise, or be for other eyes; where it leads does not change. */
  change(settings: Settings): void {
    this.#settings = settings;
    this.#changed();
  }

  get #readOnly(): boolean {
    return this.#settings.readOnly || this.#refused;
  }

  #changed(): void {
    if (this.#screen !== null) {
      this.#screen.look(this.#settings.look);
      this.#screen.readOnly = this.#readOnly;
      this.#fit();
    }
    this.#show({ readOnly: this.#readOnly });
  }

  /** Connect now, whatever has failed before. */
  retry(): void {
    this.#connection.open();
  }

  /** Connect now, if it was the credential that failed. */
  retryUnauthorized(): void {
    const { state } = this.#connection;
    if (state.name === "failed" && state.reason === "unauthorized") {
      this.retry();
    }
  }

  /** Take the keys. */
  focus(): void {
    this.#screen?.focus();
  }

  /** The text on the screen and above it. */
  text(): string {
    return this.#screen?.text() ?? "";
  }

  /** Leave, and empty the element. */
  dispose(): void {
    this.#leaving.abort();
    clearTimeout(this.#notices);
    this.#connection.close();
    this.#statusBar.dispose();
    this.#screen?.dispose();
    this.#host.replaceChildren();
  }

  #show(change: Partial<Status>): void {
    this.#status = { ...this.#status, ...change };
    this.#statusBar.show(this.#status);
    this.#keysBar.element.hidden = this.#status.readOnly;
  }

  #became(connection: ConnectionState): void {
    this.#show(connection.name === "connected" ? { connection } : { connection, viewers: null });
    if (connection.name === "connected") {
      this.#refused = connection.readOnly;
      this.#changed();
    }
    this.#told.state(connection);
  }

  #notice(notice: string): void {
    clearTimeout(this.#notices);
    this.#show({ notice });
    this.#notices = setTimeout(() => this.#show({ notice: "" }), NOTICE);
  }

  #print(data: Uint8Array, old: boolean, drawn: () => void): void {
    if (old !== this.#written) {
      this.#written = old;
      // It counts from where these bytes are drawn on, not from now.
      this.#screen?.write(new Uint8Array(), () => {
        this.#replaying = old;
      });
    }
    this.#screen?.write(data, drawn);
  }

  /** One viewer answers what a program asks of its terminal: the only one, or that which a person looks at. */
  #muted(): boolean {
    const alone = (this.#status.viewers ?? 1) <= 1;
    return this.#replaying || this.#readOnly || !(alone || this.#host.matches(":focus-within"));
  }

  #type(data: Uint8Array<ArrayBuffer>): void {
    if (!this.#readOnly && !this.#connection.type(data)) {
      this.#notice("Not sent: there is no connection, or too much input waits already.");
    }
  }

  #pasted(event: ClipboardEvent): void {
    event.preventDefault();
    event.stopPropagation();
    const text = pasteOf(event.clipboardData?.getData("text/plain") ?? "");
    const screen = this.#screen;
    if (screen === null || text === "" || this.#readOnly) {
      return;
    }
    const lines = linesOf(text);
    if (lines > 1 && !screen.bracketsPaste) {
      this.#confirmBar.ask(`Paste ${lines} lines? Each may run as a command.`, () => screen.paste(text));
    } else {
      screen.paste(text);
    }
  }

  #shortcut(event: KeyboardEvent): boolean {
    const command = commandOf(event, this.#screen?.selection !== "");
    switch (command) {
      case null:
        return false;
      case "copy":
        this.#screen?.copy();
        break;
      case "search":
        this.#searchBar.open();
        break;
      case "leave":
        this.#statusBar.element.focus();
        break;
      default:
        this.#zoom({ larger: 1, smaller: -1, "usual-size": this.#usualSize - this.#settings.look.fontSize }[command]);
    }
    event.preventDefault();
    return true;
  }

  #zoom(by: number): void {
    const { look } = this.#settings;
    const fontSize = Math.min(FONT.most, Math.max(FONT.least, look.fontSize + by));
    this.change({ ...this.#settings, look: { ...look, fontSize } });
    this.#told.fontSize(fontSize);
  }

  #unsearch(): void {
    this.#screen?.forgetMatches();
    this.focus();
  }

  #fit(): void {
    const room = this.#screen?.room() ?? null;
    if (room !== null && !this.#leaving.signal.aborted) {
      if (!this.#readOnly) {
        this.#connection.resize(room.cols, room.rows);
      } else if (this.#status.size !== null) {
        this.#screen?.shrink(this.#settings.look, this.#status.size, FONT.least);
      }
      this.#compare();
    }
  }

  #resized(cols: number, rows: number, viewers: number | null): void {
    this.#screen?.resize(cols, rows);
    this.#show({ size: { cols, rows }, viewers: viewers ?? this.#status.viewers });
    this.#fit();
  }

  #compare(): void {
    const { size } = this.#status;
    const room = this.#screen?.room() ?? null;
    const shrunk = size !== null && room !== null && (room.cols > size.cols || room.rows > size.rows);
    this.#host.toggleAttribute("data-shrunk", shrunk);
    this.#show({ shrunk: shrunk && !this.#readOnly && (this.#status.viewers ?? 1) > 1 });
  }
}
