import { Anchor, Group, Select, Text } from "@mantine/core";
import { Link } from "wouter";
import type { AgentView, WorktreeView } from "#/api/schema";
import { useRoom } from "#/room/room";
import type { Place } from "./log/turn";
import { obstacleOf } from "./places";

/** Which conversation is open, and what it has used so far. */
export function Head({
  place,
  agents,
  worktrees,
  busy,
  sum,
  open,
}: {
  place: Place;
  agents: readonly AgentView[];
  worktrees: readonly WorktreeView[];
  /** Agents that have a turn which runs in this session. */
  busy: ReadonlySet<string>;
  sum: string | null;
  open: (place: Place) => void;
}) {
  const known = agents.some((agent) => agent.agent === place.agent);
  const offered = agents.map((agent) => ({
    value: agent.agent,
    label: agent.title,
    disabled: !agent.installed || agent.auth === "disabled",
  }));
  return (
    <Group className="chat-head" gap="xs" justify="space-between">
      <Group gap="xs" wrap="nowrap" maw="100%">
        <Select
          size="xs"
          w={180}
          miw={0}
          aria-label="Agent"
          value={place.agent}
          data={known ? offered : [...offered, { value: place.agent, label: place.agent, disabled: false }]}
          onChange={(agent) => agent !== null && open({ ...place, agent })}
          allowDeselect={false}
          renderOption={({ option }) => (
            <Option
              label={option.label}
              note={busy.has(option.value) ? "works" : noteOn(agents.find((agent) => agent.agent === option.value))}
            />
          )}
          comboboxProps={{ width: 260, position: "bottom-start" }}
        />
        {worktrees.length > 0 && (
          <Select
            size="xs"
            w={180}
            miw={0}
            aria-label="Worktree"
            value={place.worktreeId ?? ""}
            data={[
              { value: "", label: "Main clone" },
              ...worktrees.map(({ worktreeId, name }) => ({ value: worktreeId, label: name })),
            ]}
            onChange={(worktreeId) => open({ ...place, worktreeId: worktreeId || null })}
            allowDeselect={false}
            comboboxProps={{ width: "max-content", position: "bottom-start" }}
          />
        )}
      </Group>
      {sum && (
        <Text size="xs" c="dimmed" className="numbers" title="What all turns of this conversation have used">
          {sum}
        </Text>
      )}
    </Group>
  );
}

function noteOn(agent: AgentView | undefined): string | null {
  return agent === undefined ? null : obstacleOf(agent);
}

function Option({ label, note }: { label: string; note: string | null }) {
  return (
    <div>
      <Text size="sm">{label}</Text>
      {note && (
        <Text size="xs" c="dimmed">
          {note}
        </Text>
      )}
    </div>
  );
}

/** Why an agent will not work, and where that can be put right. */
export function Obstacle({ agent }: { agent: AgentView }) {
  const { workspaceId } = useRoom();
  const obstacle = obstacleOf(agent);
  if (obstacle === null) return null;
  return (
    <Text size="sm" className="chat-trouble" role="status">
      {agent.title}: {obstacle}{" "}
      {agent.installed && (
        <>
          <Anchor component={Link} href={`/w/${workspaceId}/settings`} size="sm">
            {agent.auth === "disabled" ? "Switch it on in the settings" : "Give it one in the settings"}
          </Anchor>
          {agent.auth === "missing" && ", or sign in to it in a terminal."}
        </>
      )}
    </Text>
  );
}
