import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { TerminalView } from "#/api/schema";
import { useLive } from "#/live/room";
import { useRoom } from "#/room/room";
import { type Command, useCommands } from "#/shell/commands";
import { ConfirmDialog } from "#/ui/confirm";
import { EmptyState, LoadingState } from "#/ui/states";
import { TerminalActions } from "./actions";
import { endOf, programOf } from "./labels";
import { focused, focusedIn, moved, turned } from "./layout";
import { NewTerminal } from "./new";
import { type Action, actionOf } from "./shortcuts";
import { Stage } from "./stage";
import { TerminalTabs } from "./tabs";
import classes from "./terminals.module.css";
import { useStarting, useStored, useTerminals } from "./use";

/** What those may do too who only watch. */
const MOVES: ReadonlySet<Action> = new Set(["next-tab", "previous-tab", "next", "previous"]);

/** The terminals of a session: tabs, each of which can be split. */
export default function Terminals({ sessionId }: { sessionId: string }) {
  const { live, may } = useRoom();
  const ready = useLive(live, (state) => state.ready);
  if (!may("terminals:read"))
    return (
      <EmptyState title="No terminals for you here">
        Your membership does not let you see the terminals of this workspace.
      </EmptyState>
    );
  return ready ? <Shown sessionId={sessionId} /> : <LoadingState />;
}

function Shown({ sessionId }: { sessionId: string }) {
  const mayType = useRoom().may("terminals:write");
  const terminals = useTerminals(sessionId);
  const { layout, names, arrange, rename } = useStored(sessionId, terminals, true);
  const { start, close } = useStarting(sessionId, arrange);
  const [titles, setTitles] = useState<Readonly<Record<string, string>>>({});
  const [closing, setClosing] = useState<TerminalView | null>(null);
  const current = terminals.find(({ terminalId }) => terminalId === focusedIn(layout));

  const labelOf = (terminalId: string) => {
    const terminal = terminals.find((known) => known.terminalId === terminalId);
    const name = names[terminalId] || titles[terminalId] || (terminal ? programOf(terminal) : "");
    return terminal && endOf(terminal) !== "" ? `${name} (ended)` : name;
  };
  const end = (terminal: TerminalView) =>
    terminal.status === "running" ? setClosing(terminal) : close.mutate(terminal.terminalId);
  const begin = (where: "tab" | "row" | "column") =>
    start.mutate({ command: null, worktreeId: current?.worktreeId ?? null, where });
  const act = useLatest((action: Action) => {
    const actions: Record<Action, () => void> = {
      new: () => begin("tab"),
      close: () => current && end(current),
      right: () => begin("row"),
      down: () => begin("column"),
      "next-tab": () => arrange((now) => turned(now, 1)),
      "previous-tab": () => arrange((now) => turned(now, -1)),
      next: () => arrange((now) => moved(now, 1)),
      previous: () => arrange((now) => moved(now, -1)),
    };
    if (mayType || MOVES.has(action)) actions[action]();
  });
  useShortcuts(act);
  useCommands(useMemo(() => commandsOf(act, mayType), [act, mayType]));

  return (
    <div className={classes["page"]}>
      <div className={classes["head"]}>
        <TerminalTabs layout={layout} labelOf={labelOf} show={(next) => arrange(() => next)} />
        {mayType && current && (
          <TerminalActions
            name={names[current.terminalId] ?? ""}
            split={begin}
            rename={(name) => rename(current.terminalId, name)}
            close={() => end(current)}
          />
        )}
        {mayType && <NewTerminal sessionId={sessionId} busy={start.isPending} start={start.mutate} />}
      </div>
      {terminals.length === 0 && (
        <EmptyState title="No terminal is open">
          {mayType
            ? "A terminal goes on when you leave this page, and when your connection breaks. Ctrl-Shift-Enter opens one."
            : "When a member of the workspace opens one in this session, you can watch it here."}
        </EmptyState>
      )}
      <Stage
        sessionId={sessionId}
        terminals={terminals}
        layout={layout}
        labelOf={labelOf}
        focus={(terminal) => arrange((now) => focused(now, terminal))}
        titled={(terminal, title) => setTitles((now) => ({ ...now, [terminal]: title }))}
        restart={({ terminalId, command, worktreeId }) =>
          start.mutate({ command, worktreeId, where: { insteadOf: terminalId } })
        }
        close={end}
      />
      <ConfirmDialog
        opened={closing !== null}
        close={() => setClosing(null)}
        title="Close the terminal?"
        text="What runs in it is ended."
        label="Close terminal"
        act={() => (closing === null ? Promise.resolve() : close.mutateAsync(closing.terminalId))}
      />
    </div>
  );
}

/** A function that stays the same, and calls the latest. */
function useLatest<A extends unknown[]>(act: (...args: A) => void): (...args: A) => void {
  const latest = useRef(act);
  useEffect(() => {
    latest.current = act;
  });
  return useCallback((...args: A) => latest.current(...args), []);
}

/** The keys of the page come before those of the terminals. */
function useShortcuts(act: (action: Action) => void): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const action = actionOf(event);
      // In a field, and in a dialog, they are for the text.
      if (action === null || (event.target instanceof Element && event.target.closest("input, [role=dialog]"))) return;
      event.preventDefault();
      event.stopPropagation();
      act(action);
    };
    window.addEventListener("keydown", press, { capture: true });
    return () => window.removeEventListener("keydown", press, { capture: true });
  }, [act]);
}

function commandsOf(act: (action: Action) => void, mayType: boolean): Command[] {
  const offered: [Action, string, string][] = [
    ["new", "New terminal", "Ctrl-Shift-Enter"],
    ["right", "Split right", "Ctrl-Shift-D"],
    ["down", "Split down", "Ctrl-Shift-E"],
    ["next", "Next split", "Ctrl-Shift-→"],
    ["next-tab", "Next tab", "Ctrl-Shift-]"],
    ["close", "Close terminal", "Ctrl-Shift-X"],
  ];
  const possible = offered.filter(([action]) => mayType || MOVES.has(action));
  return possible.map(([action, label, keys]) => ({
    id: `terminals-${action}`,
    label,
    keys,
    group: "Terminals",
    run: () => act(action),
  }));
}
