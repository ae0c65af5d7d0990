import { ActionIcon, Alert, Anchor, Button, Group, Text } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconPencil, IconX } from "@tabler/icons-react";
import { Link } from "wouter";
import { useRoom } from "#/room/room";
import { moved, type Prompt, type Queue, removed, type Step } from "./queue";

/** The prompts that wait: each can be changed, taken out or moved, and, when they are held, sent in spite of that. */
export function Waiting({
  items,
  queue,
  next,
  change,
  edit,
  release,
}: {
  items: readonly Prompt[];
  queue: Queue;
  next: Step;
  change: (by: (queue: Queue) => Queue) => void;
  edit: (prompt: Prompt) => void;
  release: () => void;
}) {
  if (items.length === 0) return null;
  return (
    <section className="chat-queue" aria-label="Prompts that wait">
      {next.kind === "held" && <Held why={next.why} code={queue.problem?.code ?? null} release={release} />}
      <ol>
        {items.map((item, at) => (
          <li key={item.key}>
            <Text size="sm" truncate className="chat-title" title={item.text}>
              {item.text}
            </Text>
            {item.attachments.length > 0 && (
              <Text size="xs" c="dimmed" className="chat-nowrap">
                {item.attachments.map((file) => file.name).join(", ")}
              </Text>
            )}
            <Group gap={2} wrap="nowrap">
              <Small
                label="Send earlier"
                icon={IconArrowUp}
                disabled={at === 0}
                onClick={() => change((all) => moved(all, item.key, -1))}
              />
              <Small
                label="Send later"
                icon={IconArrowDown}
                disabled={at === items.length - 1}
                onClick={() => change((all) => moved(all, item.key, 1))}
              />
              <Small label="Edit the prompt" icon={IconPencil} onClick={() => edit(item)} />
              <Small label="Remove the prompt" icon={IconX} onClick={() => change((all) => removed(all, item.key))} />
            </Group>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Small({
  label,
  icon: Icon,
  disabled = false,
  onClick,
}: {
  label: string;
  icon: typeof IconX;
  disabled?: boolean;
  onClick: () => void;
}) {
  return (
    <ActionIcon variant="subtle" color="gray" size="sm" aria-label={label} title={label} disabled={disabled} onClick={onClick}>
      <Icon size={14} aria-hidden />
    </ActionIcon>
  );
}

/** Where what the server refuses can be put right, by the error's code. */
const REMEDIES: Readonly<Record<string, { path: string; label: string }>> = {
  budget: { path: "/usage", label: "Usage and limits" },
  not_ready: { path: "/settings", label: "Settings" },
};

function Held({ why, code, release }: { why: string; code: string | null; release: () => void }) {
  const { workspaceId } = useRoom();
  const remedy = code === null ? undefined : REMEDIES[code];
  return (
    <Alert color="yellow" variant="light" p="xs" mb={6} role="status">
      <Group gap="xs" justify="space-between">
        <Text size="sm">
          {why} {code === null ? "The prompts below wait until you say so." : "The prompt was not taken."}{" "}
          {remedy && (
            <Anchor component={Link} href={`/w/${workspaceId}${remedy.path}`} size="sm">
              {remedy.label}
            </Anchor>
          )}
        </Text>
        <Button size="compact-sm" variant="default" onClick={release}>
          Send now
        </Button>
      </Group>
    </Alert>
  );
}
