import { Button, Group, useComputedColorScheme } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef } from "react";
import { answer } from "#/api/client";
import { useExpired } from "#/api/identity";
import type { TerminalView } from "#/api/schema";
import { roomKey } from "#/room/key";
import { useRoom } from "#/room/room";
import { type HostelTerminal, Terminal } from "#/terminal";
import { complain } from "#/ui/notify";
import { focusedIn, type Layout, type Place, places } from "./layout";
import { STAGE, tabId } from "./tabs";
import classes from "./terminals.module.css";

/** Connections in a row that failed, after which it is asked whether the terminal may be used at all. */
const REFUSED = 2;

interface Props {
  sessionId: string;
  terminals: readonly TerminalView[];
  layout: Layout;
  labelOf: (terminal: string) => string;
  focus: (terminal: string) => void;
  titled: (terminal: string, title: string) => void;
  restart: (terminal: TerminalView) => void;
  close: (terminal: TerminalView) => void;
}

/**
 * All terminals, each where the layout has it. They stay the same elements wherever they go, so none loses its connection;
 * those of other tabs are hidden.
 */
export function Stage({ terminals, layout, ...rest }: Props) {
  const tab = layout.tabs[layout.shown];
  const shown = useMemo(() => (tab ? places(tab.tree) : new Map<string, Place>()), [tab]);
  return (
    <div id={STAGE} role="tabpanel" aria-labelledby={tab && tabId(layout.shown)} className={classes["stage"]}>
      {terminals.map((terminal) => (
        <Pane
          key={terminal.terminalId}
          terminal={terminal}
          place={shown.get(terminal.terminalId)}
          focused={focusedIn(layout) === terminal.terminalId}
          alone={shown.size === 1}
          {...rest}
        />
      ))}
    </div>
  );
}

interface PaneProps extends Omit<Props, "terminals" | "layout"> {
  terminal: TerminalView;
  place: Place | undefined;
  focused: boolean;
  alone: boolean;
}

function Pane({ sessionId, terminal, place, focused, alone, labelOf, focus, titled, restart, close }: PaneProps) {
  const { api, workspaceId, bearer, may } = useRoom();
  const mayType = may("terminals:write");
  const queries = useQueryClient();
  const { terminalId } = terminal;
  const scheme = useComputedColorScheme();
  const element = useRef<HostelTerminal>(null);
  const expired = useExpired();
  const visible = place !== undefined;
  useEffect(() => {
    if (visible && focused) element.current?.focus();
  }, [visible, focused]);
  useEffect(() => {
    if (!expired) element.current?.retryUnauthorized();
  }, [expired]);
  const token = useMemo(() => (bearer() === null ? undefined : async () => bearer() ?? ""), [bearer]);
  const keepAlive = useMemo(
    () => () => {
      const path = { workspaceId, sessionId };
      answer(api.POST("/api/workspaces/{workspaceId}/sessions/{sessionId}/keepalive", { params: { path } })).catch(complain);
    },
    [api, workspaceId, sessionId],
  );
  // A 401 opens the dialog to sign in again. A page is not told why its WebSocket was refused: it may be that rights were taken.
  const askAccess = () => void queries.invalidateQueries({ queryKey: roomKey(workspaceId, "access") });
  return (
    <section
      className={classes["pane"]}
      aria-label={labelOf(terminalId)}
      data-focused={(focused && !alone) || undefined}
      hidden={!visible}
      style={place && styleOf(place)}
      onFocus={() => focus(terminalId)}
    >
      <Terminal
        ref={element}
        src={`/api/terminals/${terminalId}?workspaceId=${workspaceId}`}
        label={labelOf(terminalId)}
        theme={scheme}
        token={token}
        autoFocus={focused}
        keepAlive={may("sessions:write") ? keepAlive : null}
        onTitle={(title) => titled(terminalId, title)}
        onUnauthorized={askAccess}
        onState={(state) => {
          const changed = state.name === "connected" && state.readOnly === mayType;
          if (changed || (state.name === "reconnecting" && state.attempt === REFUSED)) askAccess();
        }}
      />
      {mayType && terminal.status === "exited" && (
        <Group className={classes["ended"]} gap="xs">
          <Button size="compact-sm" variant="default" onClick={() => restart(terminal)}>
            Start again
          </Button>
          <Button size="compact-sm" variant="default" onClick={() => close(terminal)}>
            Close
          </Button>
        </Group>
      )}
    </section>
  );
}

function styleOf({ left, top, width, height }: Place) {
  const percent = (share: number) => `${100 * share}%`;
  return { left: percent(left), top: percent(top), width: percent(width), height: percent(height) };
}
