import { useMutation } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { answer, newKey } from "#/api/client";
import type { TerminalView } from "#/api/schema";
import { useLive } from "#/live/room";
import { useRoom } from "#/room/room";
import { complain } from "#/ui/notify";
import { closed, exchanged, type Layout, opened, reconciled, split } from "./layout";
import { recall, remember, type Stored } from "./stored";

/** What runs in a new terminal, and where it appears. */
export interface Wanted {
  /** null is a login shell. */
  command: string[] | null;
  worktreeId: string | null;
  where: "tab" | "row" | "column" | { insteadOf: string };
}

/** Until a viewer says otherwise. */
const SIZE = { cols: 80, rows: 24 };

/** The terminals of a session, oldest first, as the room's stream of events tells of them. */
export function useTerminals(sessionId: string): readonly TerminalView[] {
  const all = useLive(useRoom().live, (state) => state.terminals);
  return useMemo(
    () =>
      [...all.values()]
        .filter((terminal) => terminal.sessionId === sessionId)
        .sort((one, other) => one.createdAt.localeCompare(other.createdAt)),
    [all, sessionId],
  );
}

/** How a session's terminals are arranged and called, kept in this browser and in step with those that there are. */
export function useStored(sessionId: string, terminals: readonly TerminalView[], ready: boolean) {
  const [stored, set] = useState<Stored>(() => recall(sessionId));
  const there = useMemo(() => terminals.map((terminal) => terminal.terminalId), [terminals]);
  const layout = useMemo(() => (ready ? reconciled(stored.layout, there) : stored.layout), [stored.layout, there, ready]);
  useEffect(() => {
    if (ready) remember(sessionId, { layout, names: stored.names });
  }, [sessionId, layout, stored.names, ready]);
  return {
    layout,
    names: stored.names,
    arrange: (change: (layout: Layout) => Layout) => set((now) => ({ ...now, layout: change(reconciled(now.layout, there)) })),
    rename: (terminal: string, name: string) => set((now) => ({ ...now, names: { ...now.names, [terminal]: name } })),
  };
}

/** Starts terminals, and ends them. */
export function useStarting(sessionId: string, arrange: (change: (layout: Layout) => Layout) => void) {
  const { api, workspaceId, live } = useRoom();
  // What the stream of events has told of it already is newer.
  const show = (terminal: TerminalView) =>
    live.patch((state) =>
      state.terminals.has(terminal.terminalId)
        ? state
        : { ...state, terminals: new Map(state.terminals).set(terminal.terminalId, terminal) },
    );
  const close = useMutation({
    mutationFn: (terminalId: string) =>
      answer(api.DELETE("/api/terminals/{terminalId}", { params: { path: { terminalId }, query: { workspaceId } } })),
    onSuccess: (_, terminalId) => {
      live.patch((state) => ({ ...state, terminals: new Map([...state.terminals].filter(([id]) => id !== terminalId)) }));
      arrange((layout) => closed(layout, terminalId));
    },
    onError: (error) => complain(error, "The terminal was not closed"),
  });
  const start = useMutation({
    mutationFn: ({ command, worktreeId }: Wanted) =>
      answer(
        api.POST("/api/workspaces/{workspaceId}/sessions/{sessionId}/terminals", {
          params: { path: { workspaceId, sessionId }, header: { "Idempotency-Key": newKey() } },
          body: { worktreeId, command, ...SIZE },
        }),
      ),
    onSuccess: (terminal, { where }) => {
      const { terminalId } = terminal;
      show(terminal);
      if (where === "tab") arrange((layout) => opened(layout, terminalId));
      else if (typeof where === "string") arrange((layout) => split(layout, where, terminalId));
      else {
        arrange((layout) => exchanged(layout, where.insteadOf, terminalId));
        close.mutate(where.insteadOf);
      }
    },
    onError: (error) => complain(error, "The terminal was not started"),
  });
  return { start, close };
}
