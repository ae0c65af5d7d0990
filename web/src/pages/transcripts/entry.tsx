import { Badge, Text } from "@mantine/core";
import { memo, type ReactNode } from "react";
import { Link } from "wouter";
import type { EntryView } from "#/api/schema";
import { count, dollars } from "#/ui/format";
import { Markdown } from "#/ui/markdown";
import { Ago } from "#/ui/time";
import { firstLine, hintOf, inputText } from "./find";
import styles from "./transcripts.module.css";

const WHO = { user: "User", assistant: "Agent", thinking: "Thought", tool: "Tool" } as const;

interface Props {
  entry: EntryView;
  /** The address of the transcript's page. */
  at: string;
  /** Whether it is what was searched or jumped to. */
  marked: boolean;
  opened: boolean;
  toggle: (seq: number, opened: boolean) => void;
}

/** One step of a conversation. */
export const Entry = memo(function Entry({ entry, at, marked, opened, toggle }: Props) {
  const { seq, role } = entry;
  return (
    <article
      className={styles["entry"]}
      data-role={role}
      data-side={entry.sidechain || undefined}
      data-marked={marked || undefined}
      aria-label={`${seq}, ${WHO[role]}`}
    >
      <div className={styles["about"]}>
        <Link href={`${at}?entry=${seq}`} replace className={styles["number"]}>
          {seq}
        </Link>
        <span className={styles["who"]}>{WHO[role]}</span>
        {entry.sidechain && (
          <Badge size="xs" variant="default">
            Subagent
          </Badge>
        )}
        {entry.at && <Ago at={entry.at} />}
        <Used entry={entry} />
      </div>
      <Content entry={entry} opened={opened} toggle={(open) => toggle(seq, open)} />
    </article>
  );
});

function Used({ entry: { usage } }: { entry: EntryView }) {
  if (usage === null) return null;
  const { input, output, cost } = usage;
  return (
    <span className="numbers">
      {count(input)} in, {count(output)} out{cost !== null && `, ${dollars(cost)}`}
    </span>
  );
}

interface ContentProps {
  entry: EntryView;
  opened: boolean;
  toggle: (opened: boolean) => void;
}

function Content({ entry, opened, toggle }: ContentProps) {
  switch (entry.role) {
    case "user":
      return <div className={styles["said"]}>{entry.text}</div>;
    case "assistant":
      return <Markdown text={entry.text} />;
    case "thinking":
      return (
        <Folded summary={firstLine(entry.text)} opened={opened} toggle={toggle}>
          <div className={styles["said"]}>{entry.text}</div>
        </Folded>
      );
    case "tool":
      return <Tool entry={entry} opened={opened} toggle={toggle} />;
  }
}

function Tool({ entry, opened, toggle }: ContentProps) {
  const { name, input, output, error, truncated } = entry;
  const given = inputText(input);
  const summary = (
    <>
      <span className={styles["tool"]}>{name ?? "Tool"}</span> {hintOf(input)}
      {error && (
        <Text span c="var(--mantine-color-error)" inherit>
          {" "}
          failed
        </Text>
      )}
    </>
  );
  return (
    <Folded summary={summary} opened={opened} toggle={toggle}>
      {given && <Block label="Input" text={given} />}
      {output === null ? (
        <Text size="xs" c="dimmed">
          It has not answered.
        </Text>
      ) : (
        <Block label={error ? "Error" : "Output"} text={output} />
      )}
      {truncated && (
        <Text size="xs" c="dimmed">
          Some of it is missing here.
        </Text>
      )}
    </Folded>
  );
}

function Folded({
  summary,
  opened,
  toggle,
  children,
}: {
  summary: ReactNode;
  opened: boolean;
  toggle: (opened: boolean) => void;
  children: ReactNode;
}) {
  return (
    <details className={styles["folded"]} open={opened} onToggle={(event) => toggle(event.currentTarget.open)}>
      <summary>{summary}</summary>
      {opened && children}
    </details>
  );
}

function Block({ label, text }: { label: string; text: string }) {
  return (
    <section aria-label={label}>
      <Text size="xs" c="dimmed" mt={4}>
        {label}
      </Text>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long text is scrolled with the keys too */}
      <pre className={styles["block"]} tabIndex={0}>
        {text}
      </pre>
    </section>
  );
}
