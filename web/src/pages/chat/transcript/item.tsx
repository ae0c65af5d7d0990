import { Text } from "@mantine/core";
import {
  IconBulb,
  IconCircle,
  IconCircleCheck,
  IconCircleDot,
  IconShieldCheck,
  IconShieldQuestion,
  IconShieldX,
} from "@tabler/icons-react";
import { memo, useState } from "react";
import type { AnsweredBy, PlanEntryView } from "#/api/schema";
import type { Asked, Item, Said } from "../log/turn";
import { within } from "./folder";
import { Markdown } from "./markdown";
import { ToolRow } from "./tool";

/** One thing that an agent said, thought, did or asked in a turn, in the folder `folder`. */
export const ItemView = memo(function ItemView({ item, over, folder }: { item: Item; over: boolean; folder: string }) {
  switch (item.kind) {
    case "message":
      return <Markdown text={item.text} />;
    case "thought":
      return <Thought thought={item} />;
    case "tool":
      return <ToolRow tool={item} over={over} folder={folder} />;
    case "plan":
      return <Plan entries={item.entries} />;
    case "permission":
      return <Question asked={item} over={over} folder={folder} />;
    case "notice":
      return (
        <Text size="xs" c="dimmed" className="chat-notice">
          {item.text}
        </Text>
      );
  }
});

function Thought({ thought }: { thought: Said }) {
  const [open, setOpen] = useState(false);
  return (
    <details className="chat-tool chat-thought" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <IconBulb size={15} aria-hidden className="chat-kind" />
        <Text component="span" size="sm" c="dimmed" truncate className="chat-title">
          Thought{open ? "" : `: ${thought.text.trimStart().slice(0, 160)}`}
        </Text>
      </summary>
      {open && (
        <div className="chat-inside">
          <Markdown text={thought.text} />
        </div>
      )}
    </details>
  );
}

/** By the agent's word, which may be any. */
const STEPS: ReadonlyMap<string, { icon: typeof IconCircle; label: string }> = new Map([
  ["completed", { icon: IconCircleCheck, label: "done" }],
  ["in_progress", { icon: IconCircleDot, label: "in progress" }],
]);

function Plan({ entries }: { entries: readonly PlanEntryView[] }) {
  const done = entries.filter((entry) => entry.status === "completed").length;
  return (
    <section className="chat-plan" aria-label="Plan">
      <Text size="xs" c="dimmed" className="numbers">
        Plan, {done} of {entries.length} done
      </Text>
      <ul>
        {entries.map((entry, at) => {
          const { icon: Icon, label } = STEPS.get(entry.status) ?? { icon: IconCircle, label: "open" };
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: steps have no identity but their place
            <li key={at} data-status={entry.status}>
              <Icon size={15} role="img" aria-label={label} />
              <span>{entry.content}</span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

const BY: Readonly<Record<AnsweredBy, string>> = {
  user: "by a person",
  deadline: "nobody answered in time",
  cancel: "the turn was stopped",
};

/** A question that was asked; how it is answered is elsewhere. */
function Question({ asked, over, folder }: { asked: Asked; over: boolean; folder: string }) {
  const { answer } = asked;
  const option = asked.options.find((found) => found.id === answer?.optionId);
  const allowed = option?.kind.startsWith("allow") ?? false;
  const open = answer === null && !over;
  const Icon = open ? IconShieldQuestion : allowed ? IconShieldCheck : IconShieldX;
  const outcome = answer === null ? (over ? "Not answered" : "Waits for an answer, below") : (option?.name ?? "Denied");
  return (
    <div className="chat-asked">
      <Icon size={15} aria-hidden className={open ? "chat-waiting" : allowed ? "chat-done" : "chat-failed"} />
      <Text component="span" size="sm" c="dimmed" truncate className="chat-title" title={asked.title}>
        {outcome}
        {answer && ` (${BY[answer.by]})`}: {within(folder, asked.title)}
      </Text>
    </div>
  );
}
