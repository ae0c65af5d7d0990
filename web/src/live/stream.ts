import { createParser } from "eventsource-parser";
import { type ApiError, forPerson, problemOf, unreachable } from "#/api/problem";
import { backoff, pause } from "./backoff";

export type StreamState = "connecting" | "live" | "reconnecting" | "ended";

export interface Told {
  /** The event's name, or `message`. */
  name: string;
  data: string;
}

export interface StreamOptions {
  url: string;
  /** The token to send, or null for the session cookie. */
  bearer: () => string | null;
  /** A connection begins. `resumed`: it goes on behind the last event; else everything is told anew. */
  onOpen: (resumed: boolean) => void;
  /** What one piece of the network brought, in order. */
  onEvents: (events: Told[]) => void;
  onState: (state: StreamState) => void;
  /** The server refuses, for good. */
  onRefused: (error: ApiError) => void;
}

/** The server sends a comment every 15 s; after this much silence the connection is dead, whatever TCP says. */
const SILENCE = 40_000;
/** A page that nobody looks at gives its connection back: a browser has six for a server. */
const HIDDEN = 300_000;

/**
 * Follows a stream of server-sent events through breaks, sleep and changes of the network. Unlike the browser's EventSource
 * it sends a token, notices a dead connection, and comes back at once when the page does.
 */
export class EventStream {
  readonly #options: StreamOptions;
  readonly #stop = new AbortController();
  #last = "";
  #rest = new AbortController();
  #ended = false;

  constructor(options: StreamOptions) {
    this.#options = options;
    void this.#run();
  }

  close(): void {
    this.#stop.abort();
  }

  /** Try now instead of later, and after a refusal too. */
  retry(): void {
    if (this.#ended) void this.#run();
    else this.#rest.abort();
  }

  async #run(): Promise<void> {
    const { onState, onRefused } = this.#options;
    const stopped = this.#stop.signal;
    let tries = 0;
    this.#ended = false;
    onState("connecting");
    while (!stopped.aborted) {
      const problem = await this.#follow(() => {
        tries = 0;
        onState("live");
      });
      if (stopped.aborted) break;
      if (problem !== null && !problem.passing) {
        this.#ended = true;
        onState("ended");
        onRefused(problem);
        return;
      }
      onState("reconnecting");
      this.#rest = new AbortController();
      const rest = Math.max(backoff(tries), (problem?.retryAfter ?? 0) * 1000);
      await pause(rest, AbortSignal.any([stopped, this.#rest.signal]));
      await visible(stopped);
      tries += 1;
    }
  }

  /** One connection, to its end. Answers why it could not be had; null when it could. */
  async #follow(opened: () => void): Promise<ApiError | null> {
    const dead = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, dead.signal]);
    const watch = new Watch(() => dead.abort());
    try {
      const response = await fetch(this.#options.url, { headers: this.#headers(), signal, cache: "no-store" });
      if (!response.ok || response.body === null) return forPerson(await problemOf(response));
      this.#options.onOpen(this.#last !== "");
      opened();
      await this.#read(response.body, watch);
      return null;
    } catch {
      return unreachable();
    } finally {
      watch.stop();
      dead.abort();
    }
  }

  #headers(): Record<string, string> {
    const token = this.#options.bearer();
    return {
      Accept: "text/event-stream",
      ...(this.#last && { "Last-Event-ID": this.#last }),
      ...(token !== null && { Authorization: `Bearer ${token}` }),
    };
  }

  async #read(body: ReadableStream<Uint8Array>, watch: Watch): Promise<void> {
    let told: Told[] = [];
    const parser = createParser({
      onEvent: ({ id, event, data }) => {
        if (id !== undefined) this.#last = id;
        told.push({ name: event ?? "message", data });
      },
    });
    const decoder = new TextDecoder();
    const reader = body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      watch.heard();
      parser.feed(decoder.decode(value, { stream: true }));
      if (told.length > 0) this.#options.onEvents(told);
      told = [];
    }
  }
}

/** Calls `end` when nothing was heard for SILENCE, when the page was hidden for HIDDEN, or when the network is gone. */
class Watch {
  #heard = Date.now();
  #shown = Date.now();
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #stop = new AbortController();

  constructor(end: () => void) {
    addEventListener("offline", end, { signal: this.#stop.signal });
    this.#timer = setInterval(() => {
      if (document.visibilityState === "visible") this.#shown = Date.now();
      if (Date.now() - this.#heard > SILENCE || Date.now() - this.#shown > HIDDEN) end();
    }, 5000);
  }

  heard(): void {
    this.#heard = Date.now();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#stop.abort();
  }
}

/** Resolves when the page is looked at. */
async function visible(stopped: AbortSignal): Promise<void> {
  while (document.visibilityState !== "visible" && !stopped.aborted) await pause(HIDDEN, stopped);
}
