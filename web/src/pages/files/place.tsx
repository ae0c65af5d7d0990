import { NativeSelect } from "@mantine/core";
import { useEffect, useEffectEvent, useMemo } from "react";
import { useSearchParams } from "wouter";
import type { TurnView } from "#/api/schema";
import { roomKey } from "#/room/key";
import { useRoom } from "#/room/room";
import { useWorktrees } from "#/room/worktrees";

/** Where files are: in a session's clone, or in one of its worktrees. */
export interface Place {
  sessionId: string;
  /** Null for the clone. */
  worktreeId: string | null;
  /** What the API's addresses and queries name it by. */
  path: { workspaceId: string; sessionId: string };
  query: { worktree?: string };
  /** The key of a query about it. All begin with the same, up to `noun`. */
  key: (noun: "files" | "git", ...rest: readonly unknown[]) => readonly unknown[];
}

/** The place that `worktree` in the page's address names. */
export function usePlace(sessionId: string): Place {
  const { workspaceId } = useRoom();
  const [search] = useSearchParams();
  const worktreeId = search.get("worktree");
  return useMemo(
    () => ({
      sessionId,
      worktreeId,
      path: { workspaceId, sessionId },
      query: worktreeId === null ? {} : { worktree: worktreeId },
      key: (noun, ...rest) => roomKey(workspaceId, "place", sessionId, worktreeId, noun, ...rest),
    }),
    [workspaceId, sessionId, worktreeId],
  );
}

/** Change some of the page's address; null takes a name away. `replace` leaves no step to go back. */
export function useAddress(): (change: Readonly<Record<string, string | null>>, replace?: boolean) => void {
  const [, setSearch] = useSearchParams();
  return useMemo(
    () =>
      (change, replace = false) =>
        setSearch(
          (before) => {
            const next = new URLSearchParams(before);
            for (const [name, value] of Object.entries(change)) {
              if (value === null) next.delete(name);
              else next.set(name, value);
            }
            return next;
          },
          { replace },
        ),
    [setSearch],
  );
}

/** Hear when an agent's turn in the place has ended: files may be others now. */
export function useTurnEnds(place: Place, told: () => void): void {
  const { live } = useRoom();
  const { sessionId, worktreeId } = place;
  const tell = useEffectEvent(told);
  useEffect(
    () =>
      live.on("turn", ({ data }) => {
        const turn: TurnView = JSON.parse(data);
        if (turn.sessionId === sessionId && turn.worktreeId === worktreeId && turn.status !== "running") tell();
      }),
    [live, sessionId, worktreeId],
  );
}

/** Chooses between the clone and its worktrees. Nothing where there are none. */
export function WorktreeSelect({ place }: { place: Place }) {
  const move = useAddress();
  const worktrees = useWorktrees(place.sessionId);
  if (!worktrees.data || (worktrees.data.length === 0 && place.worktreeId === null)) return null;
  const known = worktrees.data.some(({ worktreeId }) => worktreeId === place.worktreeId);
  return (
    <NativeSelect
      aria-label="Worktree"
      size="xs"
      maw={240}
      value={place.worktreeId ?? ""}
      onChange={(event) => move({ worktree: event.currentTarget.value || null, path: null, line: null, turn: null })}
      data={[
        { value: "", label: "Main clone" },
        ...worktrees.data.map(({ worktreeId, name }) => ({ value: worktreeId, label: name })),
        ...(known || place.worktreeId === null ? [] : [{ value: place.worktreeId, label: "A worktree that is gone" }]),
      ]}
    />
  );
}
