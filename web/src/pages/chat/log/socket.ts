import { ApiError, unreachable } from "#/api/problem";
import { backoff, pause } from "#/live/backoff";
import { parseEvent } from "./frames";
import { history, type ReadPage } from "./history";
import type { Logged } from "./turn";

export type SocketState = "connecting" | "live" | "reconnecting" | "ended";

export interface SocketOptions {
  /** The WebSocket that tells what follows event number `after`. */
  url: (after: number) => string;
  /** The token for the first frame, or null for the session cookie. */
  bearer: () => string | null;
  /** Reads the log over HTTP. */
  read: ReadPage;
  /** The next events, in order: none is missing, and none comes twice. */
  onEvents: (events: Logged[]) => void;
  /** All was told that the log held a moment ago. */
  onCurrent: () => void;
  onState: (state: SocketState) => void;
  /** The server refuses, for good. */
  onRefused: (error: ApiError) => void;
}

/** Milliseconds in which events are gathered, so that a page is drawn once for many. */
const GATHER = 24;
/** The server's heartbeat is below what a page sees; after so much silence it is asked whether there is news. */
const SILENCE = 20_000;
/** What HTTP knows must be here within so many milliseconds, or the socket is dead. */
const LATE = 3_000;
/** A connection that lasted so many milliseconds was a good one. */
const STABLE = 10_000;
/** A close code from here on says that the server refuses. */
const REFUSED = 4000;
/** What a browser says when there was no close code. */
const LOST = 1006;

/**
 * A session's log: what is there over HTTP, in pages, and what comes over a WebSocket, an event a message. When that breaks
 * both are done again, behind the last event that came.
 */
export class LogSocket {
  readonly #options: SocketOptions;
  readonly #stop = new AbortController();
  #seq: number;
  #gathered: Logged[] = [];
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #hangUp: () => void = () => {};

  /** Begins at once, behind event number `after`. */
  constructor(options: SocketOptions, after = 0) {
    this.#options = options;
    this.#seq = after;
    void this.#run();
  }

  close(): void {
    this.#stop.abort();
    clearTimeout(this.#gathering);
    this.#hangUp();
  }

  async #run(): Promise<void> {
    const { onState, onRefused } = this.#options;
    const stopped = this.#stop.signal;
    onState("connecting");
    for (let tries = 0; !stopped.aborted; tries += 1) {
      const refusal = await this.#catchUp();
      if (stopped.aborted) return;
      if (refusal !== null && !refusal.passing) {
        onState("ended");
        onRefused(refusal);
        return;
      }
      if (refusal === null && (await this.#lasts())) tries = 0;
      if (stopped.aborted) return;
      onState("reconnecting");
      await pause(Math.max(100, backoff(tries)), stopped);
    }
  }

  /** Tell what is in the log already. Answers why that could not be done; null when it was. */
  async #catchUp(): Promise<ApiError | null> {
    try {
      for await (const events of history(this.#options.read, this.#seq)) {
        const complete = events.every((event) => this.#take(event));
        this.#flush();
        if (!complete || this.#stop.signal.aborted) return unreachable();
      }
      this.#options.onCurrent();
      return null;
    } catch (failure) {
      return failure instanceof ApiError ? failure : unreachable();
    }
  }

  /** One connection, to its end. Answers whether it was a good one. */
  async #lasts(): Promise<boolean> {
    const [before, since] = [this.#seq, Date.now()];
    const good = await this.#follow();
    this.#flush();
    return this.#seq > before || (good && Date.now() - since > STABLE);
  }

  /** One connection, to its end. Answers whether it was one, and was not refused. */
  #follow(): Promise<boolean> {
    return new Promise((resolve) => {
      const token = this.#options.bearer();
      // Then the cookie, which a browser sends always, does not count.
      const socket = new WebSocket(this.#options.url(this.#seq), token === null ? [] : ["hostel.token"]);
      let opened = false;
      const watch = new Watch(() => void this.#probe(end));
      const end = (code = LOST): void => {
        watch.stop();
        socket.onopen = socket.onmessage = socket.onclose = null;
        socket.close();
        resolve(opened && code < REFUSED);
      };
      this.#hangUp = end;
      socket.onopen = () => {
        opened = true;
        if (token !== null) socket.send(JSON.stringify({ type: "auth", token }));
        this.#options.onState("live");
      };
      socket.onmessage = ({ data }: MessageEvent<unknown>) => {
        watch.heard();
        const event = parseEvent(data);
        if (event !== null && !this.#take(event)) end();
      };
      socket.onclose = ({ code }) => end(code);
    });
  }

  /** Keep an event. False when one is missing before it: then the connection cannot be right. */
  #take(event: Logged): boolean {
    if (event.seq > this.#seq + 1) return false;
    if (event.seq === this.#seq + 1) {
      this.#seq = event.seq;
      this.#gathered.push(event);
      this.#gathering ??= setTimeout(() => this.#flush(), GATHER);
    }
    return true;
  }

  #flush(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    const events = this.#gathered;
    this.#gathered = [];
    if (events.length > 0 && !this.#stop.signal.aborted) this.#options.onEvents(events);
  }

  /** Ends a connection on which nothing comes although there is something, or whose server cannot be reached. */
  async #probe(end: () => void): Promise<void> {
    try {
      const { last } = await this.#options.read(this.#seq, 1);
      if (last <= this.#seq) return;
      await new Promise((resolve) => setTimeout(resolve, LATE));
      if (last > this.#seq) end();
    } catch {
      end();
    }
  }
}

/** Calls `quiet` when nothing was heard for SILENCE, as well as when the page is seen or online again. */
class Watch {
  #heard = Date.now();
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #stop = new AbortController();

  constructor(quiet: () => void) {
    const { signal } = this.#stop;
    const look = () => {
      if (document.visibilityState === "visible") quiet();
    };
    this.#timer = setInterval(() => {
      if (Date.now() - this.#heard < SILENCE) return;
      this.#heard = Date.now();
      look();
    }, SILENCE / 4);
    addEventListener("online", look, { signal });
    addEventListener("pageshow", look, { signal });
    document.addEventListener("visibilitychange", look, { signal });
  }

  heard(): void {
    this.#heard = Date.now();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#stop.abort();
  }
}
