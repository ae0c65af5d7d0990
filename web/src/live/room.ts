import { useSyncExternalStore } from "react";
import type { ApiError } from "#/api/problem";
import { Store } from "#/api/store";
import { EMPTY, type RoomState, reduce } from "./state";
import { EventStream, type StreamState, type Told } from "./stream";

type Listener = (event: Told) => void;

/** One room's stream of events: what it says of the room, and its news for whoever listens. */
export class RoomLive {
  readonly state = new Store<RoomState>(EMPTY);
  readonly connection = new Store<StreamState>("connecting");
  readonly refused = new Store<ApiError | null>(null);
  readonly #listeners = new Map<string, Set<Listener>>();
  /** What is being told anew, until it is all there: the page shows the state before meanwhile. */
  #next: RoomState | null = EMPTY;
  #stream: EventStream | null = null;

  /** Begin. Answers how to stop. */
  follow(workspaceId: string, bearer: () => string | null): () => void {
    const stream = new EventStream({
      url: `/api/events?workspaceId=${workspaceId}`,
      bearer,
      onOpen: (resumed) => {
        if (!resumed) this.#next = EMPTY;
      },
      onEvents: (events) => this.#take(events),
      onState: (state) => {
        this.connection.set(state);
        if (state === "live") this.refused.set(null);
      },
      onRefused: (error) => this.refused.set(error),
    });
    this.#stream = stream;
    return () => stream.close();
  }

  /** Connect now instead of later, and after a refusal too. */
  retry(): void {
    this.#stream?.retry();
  }

  /** Change what is known before the server tells of it; its next word about the same thing counts. */
  patch(change: (state: RoomState) => RoomState): void {
    this.state.set(change(this.state.get()));
  }

  /** Hear each event of that name. Answers how to stop. */
  on(name: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  #take(events: Told[]): void {
    let state = this.state.get();
    for (const event of events) {
      if (event.name === "reset") this.#next = EMPTY;
      else if (this.#next === null) state = reduce(state, event);
      else {
        this.#next = reduce(this.#next, event);
        if (this.#next.ready) {
          state = this.#next;
          this.#next = null;
        }
      }
    }
    this.state.set(state);
    for (const event of events) for (const listener of this.#listeners.get(event.name) ?? []) listener(event);
  }
}

/** A part of the room's state. `select` answers what the state holds, and makes nothing new. */
export function useLive<T>(live: RoomLive, select: (state: RoomState) => T): T {
  return useSyncExternalStore(live.state.subscribe, () => select(live.state.get()));
}
