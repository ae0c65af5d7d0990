import { useEffect, useMemo, useSyncExternalStore } from "react";
import { answer } from "#/api/client";
import { useExpired } from "#/api/identity";
import { type ApiError, messageOf } from "#/api/problem";
import type { LogPage } from "#/api/schema";
import { Store } from "#/api/store";
import { type Room, useRoom } from "#/room/room";
import { EMPTY, fold, type LogState } from "./fold";
import { LogSocket, type SocketState } from "./socket";

/** One session's log, followed. */
export class SessionLog {
  readonly state = new Store<LogState>(EMPTY);
  readonly connection = new Store<SocketState>("connecting");
  /** Whether all is there that was in the log when the page was opened. */
  readonly ready = new Store(false);
  readonly refused = new Store<ApiError | null>(null);
  readonly sessionId: string;
  readonly #room: Room;

  /** The log behind event number `after`. */
  constructor(room: Room, sessionId: string, after = 0) {
    this.#room = room;
    this.sessionId = sessionId;
    this.state.set({ ...EMPTY, seq: after });
  }

  /** Begin, or go on behind what is known. Answers how to stop. */
  readonly follow = (): (() => void) => {
    this.refused.set(null);
    const { bearer, workspaceId } = this.#room;
    const base = `${location.origin.replace(/^http/, "ws")}/api/workspaces/${workspaceId}/sessions/${this.sessionId}/events`;
    // What a log holds already is drawn once, when all of it is there.
    let told = this.state.get();
    const socket = new LogSocket(
      {
        url: (after) => `${base}?after=${after}`,
        bearer,
        read: (after, limit) => this.#read(after, limit),
        onEvents: (events) => {
          told = fold(told, events);
          if (this.ready.get()) this.state.set(told);
        },
        onCurrent: () => {
          this.state.set(told);
          this.ready.set(true);
        },
        onState: (state) => this.connection.set(state),
        onRefused: (error) => this.refused.set(error),
      },
      told.seq,
    );
    return () => socket.close();
  };

  async #read(after: number, limit: number): Promise<LogPage> {
    const params = { path: { workspaceId: this.#room.workspaceId, sessionId: this.sessionId }, query: { after, limit } };
    const path = "/api/workspaces/{workspaceId}/sessions/{sessionId}/events";
    // The same route is a stream where that is asked for, and its document says so.
    const page = await answer(this.#room.api.GET(path, { params }));
    return "last" in page ? page : { items: [], last: 0 };
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
