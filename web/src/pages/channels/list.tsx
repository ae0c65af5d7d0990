import { Button, Text } from "@mantine/core";
import { useDocumentVisibility } from "@mantine/hooks";
import { useMutation } from "@tanstack/react-query";
import { type RefObject, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { messageOf } from "#/api/problem";
import styles from "./channels.module.css";
import { Chunk, chunked } from "./chunk";
import { type Messages, newest } from "./messages";
import { PendingMessage } from "./pending";
import { markSeen, seenIn } from "./seen";
import type { Thread } from "./thread";

/** Pixels from the top at which older messages are asked for, and from the end at which a reader counts as being there. */
const NEAR = 600;
const AT_END = 40;

interface Props {
  channelId: string;
  thread: Thread;
  messages: Messages;
}

/** The messages by number, the newest at the end; older ones come when one scrolls up. */
export function MessageList({ channelId, thread, messages }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const { atEnd, look, jump } = useEnd(scroller);
  const older = useOlder(scroller, thread, messages);
  const [unseen] = useState(() => seenIn(channelId) + 1);
  const chunks = useMemo(() => chunked(messages.items), [messages.items]);
  useSeenMark(channelId, newest(messages), atEnd);
  const sent = messages.pending.length;
  useEffect(() => {
    if (sent > 0) jump();
  }, [sent, jump]);
  const scrolled = () => {
    look();
    older.lookUp();
  };
  return (
    <div className={styles.place}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is scrolled with the keys too */}
      <div ref={scroller} className={styles.scroller} onScroll={scrolled} tabIndex={0} role="log" aria-label="Messages">
        <div>
          <Beginning messages={messages} busy={older.busy} error={older.error} onMore={older.load} />
          {chunks.map(({ key, items, before }) => (
            <Chunk key={key} items={items} before={before} unseen={unseen} />
          ))}
          <ul className={styles.list} aria-label="On their way">
            {messages.pending.map((message) => (
              <PendingMessage key={message.key} message={message} thread={thread} />
            ))}
          </ul>
        </div>
      </div>
      {!atEnd && (
        <Button className={styles.jump ?? ""} size="compact-xs" onClick={jump}>
          Jump to the newest
        </Button>
      )}
    </div>
  );
}

/** The messages before: they are asked for when the first one comes near, and else by hand. */
function useOlder(scroller: RefObject<HTMLDivElement | null>, thread: Thread, { older, items }: Messages) {
  const { mutate, isPending, isError, error } = useMutation({ mutationFn: () => thread.loadOlder() });
  const lookUp = useCallback(() => {
    const box = scroller.current;
    if (box === null || older !== "some" || isPending || isError) return;
    if (box.scrollHeight - box.clientHeight + box.scrollTop < NEAR) mutate();
  }, [scroller, older, isPending, isError, mutate]);
  // Whoever is still at the top when a page has come wants the next one too.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is looked again when there are other messages
  useEffect(lookUp, [lookUp, items]);
  return { lookUp, load: () => mutate(), busy: isPending, error };
}

/** Whether the end is in view, and the way to it. The list is turned around: its end is at 0. */
function useEnd(scroller: RefObject<HTMLDivElement | null>) {
  const [atEnd, setAtEnd] = useState(true);
  const look = () => setAtEnd((scroller.current?.scrollTop ?? 0) > -AT_END);
  const jump = useCallback(() => {
    if (scroller.current !== null) scroller.current.scrollTop = 0;
  }, [scroller]);
  return { atEnd, look, jump };
}

/** Whoever sees the end has read up to it. */
function useSeenMark(channelId: string, last: number, atEnd: boolean): void {
  const visibility = useDocumentVisibility();
  useEffect(() => {
    if (atEnd && visibility === "visible") markSeen(channelId, last);
  }, [channelId, last, atEnd, visibility]);
}

interface BeginningProps {
  messages: Messages;
  busy: boolean;
  error: unknown;
  onMore: () => void;
}

function Beginning({ messages: { older, items, pending }, busy, error, onMore }: BeginningProps) {
  if (older === "dropped") return <div className={styles.line}>Older messages are not kept</div>;
  if (older === "none") {
    return (
      <div className={styles.line}>{items.length + pending.length > 0 ? "The channel begins here" : "No message yet"}</div>
    );
  }
  return (
    <div className={styles.line}>
      {error !== null && (
        <Text span inherit c="var(--mantine-color-error)" role="alert">
          {messageOf(error)}
        </Text>
      )}
      <Button size="compact-xs" variant="default" loading={busy} onClick={onMore}>
        Show older messages
      </Button>
    </div>
  );
}
