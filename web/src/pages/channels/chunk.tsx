import { memo } from "react";
import type { ChannelMessageView } from "#/api/schema";
import styles from "./channels.module.css";
import { Message } from "./message";

/** Messages that are drawn together. */
const SIZE = 50;
/** Milliseconds after which a sender's next message has a head of its own. */
const PAUSE = 300_000;

interface Part {
  key: number;
  items: readonly ChannelMessageView[];
  /** The message before, whose day and sender the first one may share. */
  before: ChannelMessageView | undefined;
}

/** Messages in parts whose bounds stay where they are when others come before or behind. */
export function chunked(items: readonly ChannelMessageView[]): Part[] {
  const parts = [...Map.groupBy(items, ({ number }) => Math.floor(number / SIZE))];
  return parts.map(([key, found], index) => ({ key, items: found, before: parts[index - 1]?.[1].at(-1) }));
}

interface Props {
  items: readonly ChannelMessageView[];
  before: ChannelMessageView | undefined;
  /** The number of the first message that was new when the channel was opened. */
  unseen: number;
}

/** A part of the messages. It is drawn anew only when it has others. */
export const Chunk = memo(function Chunk({ items, before, unseen }: Props) {
  return (
    <ul className={`${styles.list} ${styles.chunk}`}>
      {items.map((message, index) => {
        const previous = items[index - 1] ?? before;
        return <Entry key={message.number} message={message} previous={previous} fresh={message.number === unseen} />;
      })}
    </ul>
  );
}, same);

function same(one: Props, other: Props): boolean {
  const [first, again] = [one.items[0], other.items[0]];
  return (
    one.items.length === other.items.length && first === again && one.before === other.before && one.unseen === other.unseen
  );
}

interface EntryProps {
  message: ChannelMessageView;
  previous: ChannelMessageView | undefined;
  fresh: boolean;
}

function Entry({ message, previous, fresh }: EntryProps) {
  const missing = previous === undefined ? 0 : message.number - previous.number - 1;
  const otherDay = previous === undefined || dayOf(previous) !== dayOf(message);
  const begins = otherDay || fresh || missing > 0 || !continues(previous, message);
  return (
    <>
      {missing > 0 && (
        <li className={styles.line}>{missing === 1 ? "1 message is not kept" : `${missing} messages are not kept`}</li>
      )}
      {otherDay && <li className={styles.line}>{dayOf(message)}</li>}
      {fresh && previous !== undefined && <li className={styles.line}>New</li>}
      <Message message={message} begins={begins} />
    </>
  );
}

const DAY = new Intl.DateTimeFormat("en", { dateStyle: "full" });

function dayOf({ createdAt }: ChannelMessageView): string {
  return DAY.format(new Date(createdAt));
}

function continues(previous: ChannelMessageView, message: ChannelMessageView): boolean {
  if (previous.author !== message.author || previous.name !== message.name) return false;
  return Date.parse(message.createdAt) - Date.parse(previous.createdAt) < PAUSE;
}
