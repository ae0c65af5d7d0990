import { Button, Menu } from "@mantine/core";
import { IconChevronDown, IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Fragment, useState } from "react";
import { answer } from "#/api/client";
import { roomKey, useRoom } from "#/room/room";
import { commandOf } from "./labels";
import type { Wanted } from "./use";

/** Agents that have a program for terminals, which is called as they are. */
const PROGRAMS: ReadonlySet<string> = new Set(["claude", "codex", "gemini", "opencode"]);

/** Starts a shell, or, from its menu, an agent, in the session's clone or in a worktree. */
export function NewTerminal({ sessionId, busy, start }: { sessionId: string; busy: boolean; start: (wanted: Wanted) => void }) {
  const [opened, setOpened] = useState(false);
  const places = usePlaces(sessionId, opened);
  const agents = useAgents(opened);
  return (
    <Button.Group>
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<IconPlus size={14} aria-hidden />}
        loading={busy}
        onClick={() => start({ command: null, worktreeId: null, where: "tab" })}
      >
        New terminal
      </Button>
      <Menu opened={opened} onChange={setOpened} position="bottom-end" withinPortal>
        <Menu.Target>
          <Button size="compact-sm" variant="default" px={4} aria-label="More kinds of terminals">
            <IconChevronDown size={14} aria-hidden />
          </Button>
        </Menu.Target>
        <Menu.Dropdown mah="60vh" style={{ overflowY: "auto" }}>
          {places.map(({ worktreeId, name }) => (
            <Fragment key={worktreeId ?? ""}>
              <Menu.Label>{name}</Menu.Label>
              <Menu.Item onClick={() => start({ command: null, worktreeId, where: "tab" })}>Shell</Menu.Item>
              {agents.map(({ agent, title }) => (
                <Menu.Item key={agent} onClick={() => start({ command: commandOf(agent), worktreeId, where: "tab" })}>
                  {title}
                </Menu.Item>
              ))}
            </Fragment>
          ))}
        </Menu.Dropdown>
      </Menu>
    </Button.Group>
  );
}

function usePlaces(sessionId: string, enabled: boolean): { worktreeId: string | null; name: string }[] {
  const { api, workspaceId } = useRoom();
  const worktrees = useQuery({
    queryKey: roomKey(workspaceId, "worktrees", sessionId),
    enabled,
    queryFn: () =>
      answer(
        api.GET("/api/workspaces/{workspaceId}/sessions/{sessionId}/worktrees", {
          params: { path: { workspaceId, sessionId } },
        }),
      ),
  });
  return [
    { worktreeId: null, name: "In the session's clone" },
    ...(worktrees.data?.items ?? []).map(({ worktreeId, name }) => ({ worktreeId, name: `In worktree ${name}` })),
  ];
}

function useAgents(enabled: boolean) {
  const { api, workspaceId, may } = useRoom();
  const agents = useQuery({
    queryKey: roomKey(workspaceId, "agents"),
    enabled: enabled && may("agents:read"),
    queryFn: () => answer(api.GET("/api/workspaces/{workspaceId}/agents", { params: { path: { workspaceId } } })),
  });
  return (agents.data?.items ?? []).filter(({ agent, installed }) => installed && PROGRAMS.has(agent));
}
