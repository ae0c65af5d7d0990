import { backoff } from "./backoff";
import { ending, type FailureReason, MESSAGES } from "./endings";
import { Input } from "./input";
import { BACKLOG_MAX, GIVE_UP_AFTER, PING_EVERY, PONG_WITHIN, READY_WITHIN, STABLE_AFTER } from "./patience";
import { type ClientFrame, parse, type ServerFrame, WINDOW } from "./protocol";
import type { ConnectionEvents, ConnectionOptions, ConnectionState } from "./states";

/** A terminal's WebSocket that comes back by itself, and then neither loses nor doubles a byte. It knows no DOM. */
export class TerminalConnection {
  readonly #options: ConnectionOptions;
  readonly #events: ConnectionEvents;
  readonly #input = new Input();
  #state: ConnectionState = { name: "connecting" };
  #socket: WebSocket | null = null;
  /** The number of the byte that comes next; null before the first `ready`. */
  #position: number | null = null;
  /** The number of the next byte on this socket, which a `ready` sets. */
  #incoming = 0;
  #acked = 0;
  #undrawn = 0;
  /** The number of the first byte that is news; null until the server has said. */
  #news: number | null = null;
  #size: { cols: number; rows: number } | null = null;
  #readOnly = false;
  #attempt = 0;
  #failingSince: number | null = null;
  #readyAt: number | null = null;
  #lastError = "";
  #retry: ReturnType<typeof setTimeout> | undefined;
  #pings: ReturnType<typeof setInterval> | undefined;
  /** Runs while an answer is due. */
  #watchdog: ReturnType<typeof setTimeout> | undefined;
  #tries = 0;

  /** Nothing happens before `open`. */
  constructor(options: ConnectionOptions, events: ConnectionEvents) {
    this.#options = options;
    this.#events = events;
  }

  /** What it is doing. */
  get state(): ConnectionState {
    return this.#state;
  }

  /** Connect, or try again now, whatever has failed before. */
  open(): void {
    this.#attempt = 0;
    this.#failingSince = null;
    this.#dial();
  }

  /** Leave. */
  close(): void {
    this.#hangUp();
    this.#input.clear();
  }

  /** The network may be back, or the computer has slept: try at once, or find out at once whether the server is still there. */
  wake(): void {
    if (this.#state.name === "reconnecting" || (this.#state.name === "failed" && this.#state.reason === "unreachable")) {
      this.open();
    } else if (this.#state.name === "connected") {
      this.#ping();
    }
  }

  /** Bytes for the program. While there is no connection they wait; false when they cannot. */
  type(data: Uint8Array<ArrayBuffer>): boolean {
    const over = this.#state.name === "failed" || this.#state.name === "exited";
    return !over && !this.#readOnly && this.#input.type(data);
  }

  /** This viewer has room for so much. */
  resize(cols: number, rows: number): void {
    if (this.#size?.cols !== cols || this.#size.rows !== rows) {
      this.#size = { cols, rows };
      this.#tellSize();
    }
  }

  #tellSize(): void {
    if (this.#size !== null && this.#state.name === "connected" && !this.#readOnly) {
      this.#say({ type: "resize", ...this.#size });
    }
  }

  #become(state: ConnectionState): void {
    this.#state = state;
    this.#events.state(state);
  }

  #hangUp(): void {
    clearTimeout(this.#retry);
    clearInterval(this.#pings);
    this.#heard();
    this.#tries += 1;
    this.#input.connect(null);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #dial(): void {
    this.#hangUp();
    this.#readyAt = null;
    this.#lastError = "";
    const waiting = this.#position === null && this.#attempt === 0;
    this.#become(waiting ? { name: "connecting" } : { name: "reconnecting", attempt: this.#attempt });
    this.#expect(READY_WITHIN);
    void this.#connect(this.#tries);
  }

  async #connect(tries: number): Promise<void> {
    const ask = async () => this.#options.token?.();
    const token = await ask().catch(() => null);
    if (this.#tries !== tries) {
      return;
    }
    if (token === null) {
      this.#closed(null);
      return;
    }
    // Then the cookie, which a browser sends always, does not count.
    const socket = new WebSocket(this.#address(), token === undefined ? [] : ["hostel.token"]);
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => token !== undefined && this.#socket === socket && this.#say({ type: "auth", token });
    socket.onmessage = (event: MessageEvent<unknown>) => this.#socket === socket && this.#take(event.data);
    socket.onclose = (event) => this.#socket === socket && this.#closed(event.code);
  }

  #address(): string {
    const url = new URL(this.#options.url);
    url.searchParams.set("window", String(WINDOW));
    if (this.#position !== null) {
      url.searchParams.set("after", String(this.#position));
    }
    return url.href;
  }

  #say(frame: ClientFrame): void {
    this.#socket?.send(JSON.stringify(frame));
  }

  /** Hang up unless something comes within so many milliseconds. */
  #expect(within: number): void {
    this.#watchdog ??= setTimeout(() => this.#closed(null), within);
  }

  #heard(): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = undefined;
  }

  #ping(): void {
    this.#say({ type: "ping" });
    this.#expect(PONG_WITHIN);
  }

  #take(data: unknown): void {
    if (this.#state.name === "connected") {
      this.#heard();
    }
    if (data instanceof ArrayBuffer) {
      this.#print(new Uint8Array(data));
    } else if (typeof data === "string") {
      const frame = parse(data);
      if (frame !== null) {
        this.#obey(frame);
      }
    }
  }

  #obey(frame: ServerFrame): void {
    switch (frame.type) {
      case "ready":
        this.#readOnly = frame.readOnly ?? false;
        this.#begin(frame.seq);
        this.#events.size(frame.cols, frame.rows, frame.viewers ?? null);
        break;
      case "viewers":
        this.#events.size(frame.cols, frame.rows, frame.count);
        break;
      case "pong":
        this.#news ??= frame.printed ?? 0;
        this.#events.deadline(frame.shutdownDeadline);
        break;
      case "exit":
        this.close();
        this.#become({ name: "exited", code: frame.code ?? null, signal: frame.signal ?? null });
        break;
      case "error":
        this.#lastError = frame.message;
        if (frame.recoverable && this.#state.name === "connected") {
          this.#events.refused(frame.message);
        }
    }
  }

  #begin(seq: number): void {
    const before = this.#position;
    this.#incoming = seq;
    this.#acked = seq;
    this.#readyAt = Date.now();
    this.#become({ name: "connected", readOnly: this.#readOnly });
    if (before === null) {
      this.#position = seq;
    } else if (seq > before) {
      this.#position = seq;
      this.#events.gap(seq - before);
    }
    this.#tellSize();
    if (this.#readOnly) {
      this.#input.clear();
    }
    this.#input.connect(this.#socket);
    this.#heard();
    this.#ping();
    clearInterval(this.#pings);
    this.#pings = setInterval(() => this.#ping(), PING_EVERY);
  }

  #print(data: Uint8Array): void {
    const known = Math.min(data.length, Math.max(0, (this.#position ?? 0) - this.#incoming));
    this.#incoming += data.length;
    const fresh = data.subarray(known);
    const old = this.#old(fresh.length);
    this.#put(fresh.subarray(0, old), true);
    this.#put(fresh.subarray(old), false);
    if (this.#undrawn > BACKLOG_MAX) {
      this.#input.clear();
      this.#events.refused("The program does not read its input: what of it was still on its way was dropped.");
      this.#closed(null);
    }
  }

  /** How many of the next so many bytes were printed before this viewer came. */
  #old(length: number): number {
    return this.#news === null ? length : Math.min(length, Math.max(0, this.#news - (this.#position ?? 0)));
  }

  #put(data: Uint8Array, old: boolean): void {
    if (data.length > 0) {
      const end = (this.#position ?? 0) + data.length;
      this.#position = end;
      this.#undrawn += data.length;
      this.#events.output(data, old, () => this.#drawn(data.length, end));
    }
  }

  #drawn(bytes: number, seq: number): void {
    this.#undrawn -= bytes;
    if (this.#state.name === "connected" && seq - this.#acked >= WINDOW / 4) {
      this.#acked = seq;
      this.#say({ type: "ack", seq });
    }
  }

  /** The socket is gone, with a close code, or with null because nothing came for too long. */
  #closed(code: number | null): void {
    const failure = this.#failure(code);
    this.#hangUp();
    if (failure !== null) {
      this.#input.clear();
      this.#become({ name: "failed", reason: failure, message: this.#lastError || MESSAGES[failure] });
      return;
    }
    const atOnce = this.#readyAt !== null && this.#attempt === 0 && ending(code) !== "again";
    this.#retry = setTimeout(() => this.#dial(), atOnce ? 0 : backoff(this.#attempt));
    this.#attempt += 1;
    this.#become({ name: "reconnecting", attempt: this.#attempt });
  }

  /** Why there is no further try, or null when there is one. */
  #failure(code: number | null): FailureReason | null {
    const now = Date.now();
    if (this.#readyAt !== null && now - this.#readyAt > STABLE_AFTER) {
      this.#attempt = 0;
      this.#failingSince = null;
    }
    this.#failingSince ??= now;
    const meaning = ending(code);
    switch (meaning) {
      case "again":
      case "at once":
        return now - this.#failingSince > GIVE_UP_AFTER ? "unreachable" : null;
      case "unauthorized":
        // A token that has expired is asked for once more; one that was refused as it came, or a cookie, is not.
        return this.#options.token !== undefined && this.#readyAt !== null && this.#attempt === 0 ? null : meaning;
      default:
        return meaning;
    }
  }
}
