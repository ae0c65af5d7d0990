import { Button, Group, Kbd, Paper, Stack, Text, VisuallyHidden } from "@mantine/core";
import { useRoom } from "#/room/room";
import { ExposedText } from "#/ui/exposedText";
import { Countdown } from "#/ui/time";
import type { Asked, Place } from "../log/turn";
import { ToolInput } from "../transcript/input";
import { KindIcon } from "../transcript/tool";
import { type Answer, answersOf, keyOf, useAnswering, useAnswerKeys, useGuard } from "./answering";

/** A question, and who asks it. */
export interface Question {
  asked: Asked;
  place: Place;
  /** Who asks, in words. */
  who: string;
  /** Whether it is of the conversation that is open. */
  here: boolean;
}

/** The questions that wait: the first of this conversation as a card with all that it is about, the others as lines. */
export function Questions({
  sessionId,
  questions,
  open,
}: {
  sessionId: string;
  questions: readonly Question[];
  open: (place: Place) => void;
}) {
  const { may } = useRoom();
  const { busy, give } = useAnswering(sessionId);
  const allowed = may("turns:write");
  const first = questions.find((question) => question.here) ?? null;
  const ready = useGuard(first?.asked.permissionId ?? null);
  useAnswerKeys(allowed && ready && first !== null && first.asked.permissionId !== busy ? first.asked : null, give);
  if (questions.length === 0) return <div aria-live="assertive" />;
  return (
    <Stack gap={6} className="chat-questions">
      <VisuallyHidden aria-live="assertive">
        {first && `${first.who} asks: ${first.asked.title}.${allowed ? " Alt A allows it, Alt D denies it." : ""}`}
      </VisuallyHidden>
      {questions
        .filter((question) => question !== first)
        .map(({ asked, who, here, place }) => (
          <Group key={asked.permissionId} gap="xs" wrap="nowrap" className="chat-question-line">
            <KindIcon kind={asked.does} />
            <Text size="sm" truncate className="chat-title" title={asked.title}>
              {who} asks: {asked.title}
            </Text>
            <Text size="xs" c="dimmed" component="div">
              <Countdown at={asked.deadline} />
            </Text>
            {here ? (
              <Text size="xs" c="dimmed">
                next
              </Text>
            ) : (
              <Button size="compact-xs" variant="default" onClick={() => open(place)}>
                Look at it
              </Button>
            )}
          </Group>
        ))}
      {first && (
        <Card key={first.asked.permissionId} question={first} allowed={allowed} ready={ready} busy={busy} give={give} />
      )}
    </Stack>
  );
}

function Card({
  question: { asked, who },
  allowed,
  ready,
  busy,
  give,
}: {
  question: Question;
  allowed: boolean;
  /** Whether it has been seen for long enough to be answered. */
  ready: boolean;
  busy: string | null;
  give: (asked: Asked, option: Answer) => void;
}) {
  return (
    <Paper withBorder p="sm" className="chat-card" role="group" aria-label={`${who} asks for a permission`}>
      <Group gap="xs" wrap="nowrap" justify="space-between" mb={6}>
        <Group gap="xs" wrap="nowrap" miw={0}>
          <KindIcon kind={asked.does} />
          <Text size="sm" fw={600} className="chat-title chat-card-title" {...(asked.input !== null && { lineClamp: 2 })}>
            <ExposedText text={asked.title} />
          </Text>
        </Group>
        <Text size="xs" c="dimmed" component="div" className="chat-nowrap">
          answer within <Countdown at={asked.deadline} />
        </Text>
      </Group>
      {asked.input !== null && (
        <div className="chat-card-input">
          <ToolInput input={asked.input} />
        </div>
      )}
      {asked.truncated && (
        <Text size="sm" className="chat-trouble" role="alert">
          It is longer than what is shown here: you do not see all of what you would allow.
        </Text>
      )}
      {allowed ? (
        <Group gap="xs" mt="xs">
          {answersOf(asked).map((option) => (
            <Button
              key={option?.id ?? ""}
              size="xs"
              className="chat-answer"
              {...look(option)}
              disabled={!ready}
              loading={busy === asked.permissionId}
              onClick={() => give(asked, option)}
              rightSection={<Key of={keyOf(asked, option)} />}
            >
              {option === null ? "Deny" : <ExposedText text={option.name} />}
            </Button>
          ))}
        </Group>
      ) : (
        <Text size="xs" c="dimmed">
          Your role may read here, and not answer.
        </Text>
      )}
    </Paper>
  );
}

function look(option: Answer) {
  if (option?.kind === "allow_once") return { variant: "filled" };
  return option?.kind.startsWith("allow") ? { variant: "light" } : { variant: "default" };
}

function Key({ of }: { of: string | null }) {
  if (of === null) return null;
  return (
    <Kbd size="xs" aria-hidden>
      {of === "A" ? "⇧A" : of.toUpperCase()}
    </Kbd>
  );
}
