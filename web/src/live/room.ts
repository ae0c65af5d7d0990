import { useSyncExternalStore } from "react";
import { type ApiError, forPerson } from "#/api/problem";
import type { DeletedSessionView, SessionView } from "#/api/schema";
import { Store } from "#/api/store";
import { EMPTY, type RoomState, reduce } from "./state";
import { EventStream, type StreamState, type Told } from "./stream";

type Listener = (event: Told) => void;
type List = () => Promise<readonly SessionView[]>;

/** One room's stream of events: what it says of the room, and its news for whoever listens. */
export class RoomLive {
  readonly state = new Store<RoomState>(EMPTY);
  readonly connection = new Store<StreamState>("connecting");
  readonly refused = new Store<ApiError | null>(null);
  readonly #listeners = new Map<string, Set<Listener>>();
  /** What is being told anew, until it is all there: the page shows the state before meanwhile. */
  #next: RoomState | null = EMPTY;
  #stream: EventStream | null = null;
  #list: List = async () => [];
  /** How often all was told anew. */
  #round = 0;
  /** Sessions that were deleted since. */
  readonly #deleted = new Set<string>();

  /** Begin. `list` asks for the sessions: of a room where nothing runs the stream knows none. Answers how to stop. */
  follow(workspaceId: string, bearer: () => string | null, list: List): () => void {
    this.#list = list;
    const stream = new EventStream({
      url: `/api/events?workspaceId=${workspaceId}`,
      bearer,
      onOpen: (resumed) => {
        if (!resumed) this.#begin();
      },
      onEvents: (events) => this.#take(events),
      onState: (state) => {
        this.connection.set(state);
        if (state === "live") this.refused.set(null);
      },
      onRefused: (error) => this.refused.set(forPerson(error)),
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
      if (event.name === "reset") this.#begin();
      else if (this.#next === null) state = reduce(state, event);
      else this.#next = reduce(this.#next, event);
      if (event.name === "ready") void this.#complete(this.#round);
      if (event.name === "sessionDeleted") this.#deleted.add(deletedIn(event));
    }
    this.state.set(state);
    for (const event of events) for (const listener of this.#listeners.get(event.name) ?? []) listener(event);
  }

  #begin(): void {
    this.#next = EMPTY;
    this.#round += 1;
    this.#deleted.clear();
  }

  /** All was told; what the room itself lists comes to it, and the page sees it. */
  async #complete(round: number): Promise<void> {
    // Without the list there is still what was told.
    const listed = await this.#list().catch(() => []);
    if (round !== this.#round || this.#next === null) return;
    // What was told is newer than what was listed.
    const there = listed.filter(({ sessionId }) => !this.#deleted.has(sessionId));
    const all = new Map([...there.map((session) => [session.sessionId, session] as const), ...this.#next.sessions]);
    this.state.set({ ...this.#next, sessions: all });
    this.#next = null;
  }
}

function deletedIn({ data }: Told): string {
  const { sessionId }: DeletedSessionView = JSON.parse(data);
  return sessionId;
}

/** A part of the room's state. `select` answers what the state holds, and makes nothing new. */
export function useLive<T>(live: RoomLive, select: (state: RoomState) => T): T {
  return useSyncExternalStore(live.state.subscribe, () => select(live.state.get()));
}
