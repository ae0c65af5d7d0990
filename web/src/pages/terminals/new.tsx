import { Button, Menu } from "@mantine/core";
import { IconChevronDown, IconPlus } from "@tabler/icons-react";
import { Fragment, useState } from "react";
import { useAgents } from "#/room/agents";
import { useWorktrees } from "#/room/worktrees";
import { commandOf } from "./labels";
import type { Wanted } from "./use";

/** Agents that have a program for terminals, which is called as they are. */
const PROGRAMS: ReadonlySet<string> = new Set(["claude", "codex", "gemini", "opencode"]);

/** Starts a shell, or, from its menu, an agent, in the session's clone or in a worktree. */
export function NewTerminal({ sessionId, busy, start }: { sessionId: string; busy: boolean; start: (wanted: Wanted) => void }) {
  const [opened, setOpened] = useState(false);
  const places = usePlaces(sessionId, opened);
  const agents = usePrograms(opened);
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
  const worktrees = useWorktrees(sessionId, enabled);
  return [
    { worktreeId: null, name: "In the session's clone" },
    ...(worktrees.data ?? []).map(({ worktreeId, name }) => ({ worktreeId, name: `In worktree ${name}` })),
  ];
}

function usePrograms(enabled: boolean) {
  const agents = useAgents(enabled);
  return (agents.data ?? []).filter(({ agent, installed }) => installed && PROGRAMS.has(agent));
}
