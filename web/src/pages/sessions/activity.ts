import { useMemo } from "react";
import { type RoomLive, useLive } from "#/live/room";
import type { RoomState } from "#/live/state";

/** What goes on in a session. */
export interface Activity {
  /** Turns of agents that run. */
  working: number;
  /** Permissions that wait for an answer. */
  waiting: number;
  /** Terminals whose program runs. */
  terminals: number;
}

const QUIET: Activity = { working: 0, waiting: 0, terminals: 0 };

type Parts = Pick<RoomState, "turns" | "permissions" | "terminals">;

/** What goes on, by session; those in which nothing does are missing. */
export function activities({ turns, permissions, terminals }: Parts): ReadonlyMap<string, Activity> {
  const found = new Map<string, Activity>();
  const add = (sessionId: string, what: keyof Activity) => {
    const known = found.get(sessionId) ?? QUIET;
    found.set(sessionId, { ...known, [what]: known[what] + 1 });
  };
  for (const turn of turns.values()) if (turn.status === "running") add(turn.sessionId, "working");
  for (const permission of permissions.values()) if (permission.waiting) add(permission.sessionId, "waiting");
  for (const terminal of terminals.values()) if (terminal.status === "running") add(terminal.sessionId, "terminals");
  return found;
}

/** What goes on in each session, live. */
export function useActivities(live: RoomLive): (sessionId: string) => Activity {
  const turns = useLive(live, (state) => state.turns);
  const permissions = useLive(live, (state) => state.permissions);
  const terminals = useLive(live, (state) => state.terminals);
  return useMemo(() => {
    const found = activities({ turns, permissions, terminals });
    return (sessionId) => found.get(sessionId) ?? QUIET;
  }, [turns, permissions, terminals]);
}
