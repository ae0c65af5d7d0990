import { useEffect, useMemo, useSyncExternalStore } from "react";
import { answer } from "#/api/client";
import { useExpired } from "#/api/identity";
import { ApiError, messageOf } from "#/api/problem";
import { Store } from "#/api/store";
import { pause } from "#/live/backoff";
import { type Room, useRoom } from "#/room/room";
import { EMPTY, fold, type LogState } from "./fold";
import { LogSocket, type SocketState } from "./socket";

/** Milliseconds until it is asked again how long the log is. */
const AGAIN = 1_000;

/** One session's log, followed. */
export class SessionLog {
  readonly state = new Store<LogState>(EMPTY);
  readonly connection = new Store<SocketState>("connecting");
  /** Whether all is there that was in the log when the page was opened. */
  readonly ready = new Store(false);
  readonly refused = new Store<ApiError | null>(null);
  readonly sessionId: string;
  readonly #room: Room;
  #newest = Number.POSITIVE_INFINITY;

  /** The log behind event number `after`. */
  constructor(room: Room, sessionId: string, after = 0) {
    this.#room = room;
    this.sessionId = sessionId;
    this.state.set({ ...EMPTY, seq: after });
  }

  /** Begin, or go on behind what is known. Answers how to stop. */
  readonly follow = (): (() => void) => {
    const stop = new AbortController();
    this.refused.set(null);
    void this.#measure(stop.signal);
    const base = `${location.origin.replace(/^http/, "ws")}/api/workspaces/${this.#room.workspaceId}`;
    const socket = new LogSocket(
      {
        url: (after) => `${base}/sessions/${this.sessionId}/events?after=${after}`,
        bearer: this.#room.bearer,
        newest: () => this.#ask(),
        onEvents: (events) => {
          this.state.set(fold(this.state.get(), events));
          this.#look();
        },
        onState: (state) => this.connection.set(state),
        onRefused: (error) => this.refused.set(error),
      },
      this.state.get().seq,
    );
    return () => {
      stop.abort();
      socket.close();
    };
  };

  async #ask(): Promise<number> {
    const query = { after: this.state.get().seq, limit: 1 };
    const get = this.#room.api.GET("/api/workspaces/{workspaceId}/sessions/{sessionId}/events", {
      params: { path: { workspaceId: this.#room.workspaceId, sessionId: this.sessionId }, query },
    });
    const page = await answer(get);
    return "last" in page ? page.last : 0;
  }

  async #measure(stopped: AbortSignal): Promise<void> {
    while (!this.ready.get() && !stopped.aborted) {
      try {
        this.#newest = await this.#ask();
        this.#look();
        return;
      } catch (error) {
        if (error instanceof ApiError && !error.passing) {
          this.refused.set(error);
          return;
        }
        await pause(AGAIN, stopped);
      }
    }
  }

  #look(): void {
    if (this.state.get().seq >= this.#newest) this.ready.set(true);
  }
}

/** The log that was open last in a room: who comes back to it need not wait for what was there already. */
const known = new WeakMap<Room, SessionLog>();

function logOf(room: Room, sessionId: string): SessionLog {
  const before = known.get(room);
  if (before?.sessionId === sessionId) return before;
  const log = new SessionLog(room, sessionId);
  known.set(room, log);
  return log;
}

/** The log of a session, followed as long as the page is open. */
export function useSessionLog(sessionId: string) {
  const room = useRoom();
  const log = useMemo(() => logOf(room, sessionId), [room, sessionId]);
  const expired = useExpired();
  // After a new sign-in it goes on where it was.
  useEffect(() => (expired ? undefined : log.follow()), [log, expired]);
  return {
    state: useSyncExternalStore(log.state.subscribe, log.state.get),
    ready: useSyncExternalStore(log.ready.subscribe, log.ready.get),
    connection: useSyncExternalStore(log.connection.subscribe, log.connection.get),
    refused: useSyncExternalStore(log.refused.subscribe, log.refused.get),
  };
}

/** What is wrong with the connection, in a sentence; null while nothing is. */
export function troubleOf(connection: SocketState, refused: ApiError | null): string | null {
  if (refused !== null) return messageOf(refused);
  return connection === "reconnecting" ? "Reconnecting. What you type is kept." : null;
}
