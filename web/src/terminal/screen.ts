import "@xterm/xterm/css/xterm.css";
import { FitAddon } from "@xterm/addon-fit";
import { type ISearchOptions, SearchAddon } from "@xterm/addon-search";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { WebglAddon } from "@xterm/addon-webgl";
import { Terminal } from "@xterm/xterm";
import { fitting } from "./fitting";
import { hasGraphicsCard } from "./graphics";
import { limitCounts } from "./limits";
import { openLink, webAddress } from "./links";
import { withNonce } from "./nonce";
import { muteAnswers } from "./queries";
import type { Theme } from "./themes";
import { scrollByTouch } from "./touch";

/** How a screen looks. */
export interface Look {
  theme: Theme;
  fontFamily: string;
  /** Pixels. */
  fontSize: number;
  screenReader: boolean;
  /** Lines that have scrolled away and are kept. */
  scrollback: number;
  /** Whether the cursor blinks. */
  motion: boolean;
}

/** How a text is compared in a search. */
export interface How {
  regex: boolean;
  caseSensitive: boolean;
}

/** What a screen tells. */
export interface ScreenEvents {
  /** A person typed; or the terminal answers what the program has asked. */
  input(data: Uint8Array<ArrayBuffer>): void;
  /** Whether the terminal is to leave questions of the program unanswered. */
  muted(): boolean;
  title(text: string): void;
  /** The pointer is on a link, or, with null, on none. */
  link(address: string | null): void;
  /** A key that is not the program's: true when it was taken. */
  shortcut(event: KeyboardEvent): boolean;
  /** What a search has found: the number of the match that is shown, from 0, and how many there are. */
  found(index: number, count: number): void;
}

/** Bytes between which xterm.js looks at the clock: after 12 ms it lets the page do something else. */
const PIECE = 4096;

/** xterm.js with its addons, in an element. This module is loaded when the first terminal is shown. */
export class Screen {
  readonly #terminal: Terminal;
  readonly #fit = new FitAddon();
  readonly #search = new SearchAddon();
  readonly #events: ScreenEvents;
  #how: How = { regex: false, caseSensitive: false };

  /** Draws into `host`, which is in the page. */
  constructor(host: HTMLElement, look: Look, events: ScreenEvents) {
    this.#events = events;
    this.#terminal = new Terminal({
      ...optionsOf(look),
      allowProposedApi: true, // for the widths of Unicode 11
      minimumContrastRatio: 4.5,
      logLevel: "off", // what is printed can be any nonsense
      macOptionIsMeta: true,
      linkHandler: { activate: follow, hover: (_, text) => events.link(webAddress(text)), leave: () => events.link(null) },
    });
    const links = { hover: (_: MouseEvent, text: string) => events.link(webAddress(text)), leave: () => events.link(null) };
    for (const addon of [this.#fit, this.#search, new Unicode11Addon(), new WebLinksAddon(follow, links)]) {
      this.#terminal.loadAddon(addon);
    }
    this.#terminal.unicode.activeVersion = "11";
    withNonce(() => this.#terminal.open(host));
    scrollByTouch(host, this.#terminal);
    this.#listen();
    this.#draw();
  }

  #listen(): void {
    const terminal = this.#terminal;
    const encoder = new TextEncoder();
    muteAnswers(terminal.parser, () => this.#events.muted());
    limitCounts(terminal.parser, () => 2 * Math.max(terminal.cols, terminal.rows));
    terminal.onData((text) => this.#events.input(encoder.encode(text)));
    terminal.onBinary((text) => this.#events.input(Uint8Array.from(text, (character) => character.charCodeAt(0))));
    terminal.onTitleChange((title) => this.#events.title(title));
    terminal.attachCustomKeyEventHandler((event) => !this.#events.shortcut(event));
    this.#search.onDidChangeResults(({ resultIndex, resultCount }) => this.#events.found(resultIndex, resultCount));
  }

  /** By WebGL where a graphics card does it, else, and once it is lost, by elements. */
  #draw(): void {
    if (!hasGraphicsCard()) {
      return;
    }
    try {
      const webgl = new WebglAddon();
      webgl.onContextLoss(() => withNonce(() => webgl.dispose()));
      this.#terminal.loadAddon(webgl);
    } catch {
      // Elements draw it already.
    }
  }

  /** The element that takes the keys. */
  get keyboard(): HTMLTextAreaElement | undefined {
    return this.#terminal.textarea;
  }

  /** What is selected, or "". */
  get selection(): string {
    return this.#terminal.getSelection();
  }

  /** Copy what is selected, and select nothing any more. */
  copy(): void {
    if (this.selection !== "") {
      // It is xterm.js that fills the clipboard, when it is told to copy. navigator.clipboard is missing on plain HTTP.
      document.execCommand("copy");
      this.#terminal.clearSelection();
    }
  }

  /** Type text, as a person would. */
  type(text: string): void {
    this.#terminal.input(text);
  }

  /** Whether the program has asked for the arrows of applications (DECCKM). */
  get applicationArrows(): boolean {
    return this.#terminal.modes.applicationCursorKeysMode;
  }

  /** Bytes of the program; `drawn` is called when they are on the screen. */
  write(data: Uint8Array, drawn: () => void): void {
    for (let at = 0; at < data.length - PIECE; at += PIECE) {
      this.#terminal.write(data.subarray(at, at + PIECE));
    }
    const rest = data.length % PIECE || Math.min(PIECE, data.length);
    this.#terminal.write(data.subarray(data.length - rest), drawn);
  }

  /** A quiet line of the page's own. What the program was in the middle of saying, as an escape sequence, ends before it. */
  note(text: string): void {
    this.#terminal.write(`\x18\x1b[0m\r\n\x1b[2m[${text}]\x1b[0m\r\n`);
  }

  /** Type text as if it were pasted: in brackets where the program asked for them. */
  paste(text: string): void {
    this.#terminal.paste(text);
  }

  /** Whether the program can tell what is pasted from what is typed. */
  get bracketsPaste(): boolean {
    return this.#terminal.modes.bracketedPasteMode;
  }

  /** The size that fits the element, in characters; null while it is not shown. */
  room(): { cols: number; rows: number } | null {
    const found = this.#fit.proposeDimensions();
    return found !== undefined && found.cols > 1 && found.rows > 0
      ? { cols: Math.min(1000, found.cols), rows: Math.min(500, found.rows) }
      : null;
  }

  /** Have so many columns and rows. */
  resize(cols: number, rows: number): void {
    this.#terminal.resize(cols, rows);
  }

  /** Look so, but in letters that are small enough, down to `least` pixels, for all of `size` to be seen. */
  shrink(look: Look, size: { cols: number; rows: number }, least: number): void {
    this.look(look);
    const room = this.room();
    if (room !== null) {
      this.look({ ...look, fontSize: fitting(look.fontSize, room, size, least) });
    }
  }

  /** Look otherwise. */
  look(look: Look): void {
    Object.assign(this.#terminal.options, optionsOf(look));
  }

  /** Take no keys, or take them again. */
  set readOnly(value: boolean) {
    this.#terminal.options.disableStdin = value;
  }

  /** Show the next match, or the one before. A regular expression that is wrong matches nothing. */
  find(text: string, options: How, backwards: boolean): void {
    if (options.regex !== this.#how.regex || options.caseSensitive !== this.#how.caseSensitive) {
      // The addon would go on with the matches that it found the other way.
      this.#search.clearDecorations();
      this.#how = options;
    }
    const decorated: ISearchOptions = { ...options, decorations: MATCHES, incremental: !backwards };
    try {
      const found = backwards ? this.#search.findPrevious(text, decorated) : this.#search.findNext(text, decorated);
      if (!found) {
        this.#events.found(-1, 0);
      }
    } catch {
      this.#events.found(-1, 0);
    }
  }

  /** Show no matches any more. */
  forgetMatches(): void {
    this.#search.clearDecorations();
  }

  /** The text that is on the screen and above it, for those who cannot see it, and tests. */
  text(): string {
    const { active } = this.#terminal.buffer;
    const lines = Array.from({ length: active.length }, (_, at) => active.getLine(at)?.translateToString(true) ?? "");
    return lines.join("\n").trimEnd();
  }

  /** Take the keys. */
  focus(): void {
    this.#terminal.focus();
  }

  /** Be gone. */
  dispose(): void {
    this.#terminal.dispose();
  }
}

const MATCHES = {
  matchBackground: "#5c4a12",
  matchOverviewRuler: "#e0b35f",
  activeMatchBackground: "#9a6b00",
  activeMatchColorOverviewRuler: "#e0b35f",
};

function optionsOf(look: Look) {
  return {
    theme: look.theme,
    fontFamily: look.fontFamily,
    fontSize: look.fontSize,
    screenReaderMode: look.screenReader,
    scrollback: look.scrollback,
    cursorBlink: look.motion,
  };
}

/** Links are followed with Ctrl or the command key: a click alone is for the program, or to select. */
function follow(event: MouseEvent, text: string): void {
  if (event.ctrlKey || event.metaKey) {
    openLink(text);
  }
}
