import { Alert, Anchor, Badge, Box, Button, Group, Loader, Text } from "@mantine/core";
import { IconPaperclip } from "@tabler/icons-react";
import { memo, type ReactNode, useState } from "react";
import { Link } from "wouter";
import { useRoom } from "#/room/room";
import { Copy } from "#/ui/copy";
import { plural } from "#/ui/format";
import { Ago, left, useNow } from "#/ui/time";
import type { Ended, Item, Turn } from "../log/turn";
import { folderOf } from "./folder";
import { ItemView } from "./item";
import { Output } from "./output";
import { usageLine } from "./usage";

/** Items of one turn that are drawn at first, and more with each wish for it. */
const ITEMS = 150;

/** Characters of a prompt from which on it may be too long for its box, and scrolls. */
const SCROLLS = 500;

/** A prompt, what the agent makes of it, and how that ended. `again` gives the same prompt anew, where that can be done. */
export const TurnView = memo(function TurnView({
  turn,
  sessionId,
  names,
  again,
}: {
  turn: Turn;
  sessionId: string;
  /** Of attachments, by their ids. */
  names: ReadonlyMap<string, string>;
  again: ((turn: Turn) => void) | null;
}) {
  const { workspaceId } = useRoom();
  const { items, ended } = turn;
  return (
    <article className="chat-turn" aria-label={`Prompt: ${turn.text.slice(0, 80)}`}>
      <PromptView
        text={turn.text}
        attachments={turn.attachments.map((attachmentId) => names.get(attachmentId) ?? attachmentId)}
        note={<Ago at={turn.startedAt} />}
      />
      <Steps items={items} over={ended !== null} folder={folderOf(workspaceId, sessionId, turn.worktreeId)} />
      {ended === null ? (
        <Running since={turn.startedAt} last={items.at(-1)} />
      ) : (
        <End turn={turn} ended={ended} sessionId={sessionId} again={again} />
      )}
    </article>
  );
});

/** What an agent has said and done in a turn: the end of it, and more on demand. */
export function Steps({ items, over, folder }: { items: readonly Item[]; over: boolean; folder: string }) {
  const [shown, setShown] = useState(ITEMS);
  const hidden = Math.max(0, items.length - shown);
  return (
    <>
      {hidden > 0 && (
        <Button size="compact-xs" variant="subtle" onClick={() => setShown(shown + ITEMS)}>
          Show {plural(Math.min(hidden, ITEMS), "earlier step")}
        </Button>
      )}
      {items.slice(hidden).map((item) => (
        <ItemView key={item.seq} item={item} over={over} folder={folder} />
      ))}
    </>
  );
}

/** What was asked. */
export function PromptView({ text, attachments, note }: { text: string; attachments: readonly string[]; note: ReactNode }) {
  return (
    <div className="chat-prompt">
      <Box className="chat-prompt-text" role="group" aria-label="Prompt" tabIndex={text.length > SCROLLS ? 0 : undefined}>
        {text}
      </Box>
      <Text size="xs" c="dimmed" component="div" className="chat-note">
        {note}
      </Text>
      {attachments.length > 0 && (
        <Group gap={4} w="100%">
          {attachments.map((name, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: two may have the same name
            <Badge key={at} size="sm" variant="default" tt="none" leftSection={<IconPaperclip size={10} aria-hidden />}>
              {name}
            </Badge>
          ))}
        </Group>
      )}
    </div>
  );
}

function Running({ since, last }: { since: string; last: Item | undefined }) {
  const seconds = (useNow() - new Date(since).getTime()) / 1000;
  return (
    <Group gap={8} className="chat-running">
      <Loader size={12} aria-hidden />
      <Text size="xs" c="dimmed" className="numbers">
        {last?.kind === "permission" && last.answer === null ? "Waits for an answer" : "Working"}, {left(seconds)}
      </Text>
    </Group>
  );
}

/** Why a turn ended, where that is not that all was said. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ["max_tokens", "The answer was cut: it has reached the most that the model writes."],
  ["max_turn_requests", "The agent has stopped: the turn took too many requests."],
  ["refusal", "The model has refused to go on."],
]);

function End({
  turn,
  ended,
  sessionId,
  again,
}: {
  turn: Turn;
  ended: Ended;
  sessionId: string;
  again: ((turn: Turn) => void) | null;
}) {
  const { workspaceId, may } = useRoom();
  const seconds = (new Date(ended.at).getTime() - new Date(turn.startedAt).getTime()) / 1000;
  const said = turn.items.flatMap((item) => (item.kind === "message" ? item.text : [])).join("\n\n");
  const reason = ended.stopReason === null ? undefined : REASONS.get(ended.stopReason);
  const usage = usageLine(ended.usage);
  return (
    <>
      {reason && (
        <Text size="sm" c="dimmed">
          {reason}
        </Text>
      )}
      {ended.status === "failed" && <Failure turn={turn} ended={ended} again={again} />}
      <Group gap="xs" className="chat-end">
        <Text size="xs" c="dimmed" className="numbers">
          {ended.status === "cancelled" ? "Stopped after" : "Took"} {left(Math.max(1, seconds))}
          {usage && ` · ${usage}`}
        </Text>
        {may("git:read") && (
          <Anchor component={Link} href={`/w/${workspaceId}/s/${sessionId}/changes?turn=${turn.turnId}`} size="xs">
            Changes of this turn
          </Anchor>
        )}
        {said && <Copy value={said} label="the answer" />}
      </Group>
    </>
  );
}

function Failure({ turn, ended, again }: { turn: Turn; ended: Ended; again: ((turn: Turn) => void) | null }) {
  return (
    <Alert color="red" variant="light" title="The turn has failed" role="group">
      <Text size="sm" className="chat-error">
        {ended.error ?? "The agent does not say why."}
      </Text>
      {ended.stderr && (
        <details className="chat-tool">
          <summary>
            <Text component="span" size="sm">
              What the agent printed
            </Text>
          </summary>
          <Output label="What the agent printed" text={ended.stderr} />
        </details>
      )}
      {again && (
        <Button size="xs" variant="default" mt="xs" onClick={() => again(turn)}>
          Try again
        </Button>
      )}
    </Alert>
  );
}
