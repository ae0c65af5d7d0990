import { Button, VisuallyHidden } from "@mantine/core";
import { IconArrowDown } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo, useRef, useState } from "react";
import { answer, everything } from "#/api/client";
import { roomKey } from "#/room/key";
import { useRoom } from "#/room/room";
import { plural } from "#/ui/format";
import type { Underway } from "../composer/sending";
import type { Turn } from "../log/turn";
import { useStaying } from "./scrolling";
import { PromptView, TurnView } from "./turn";

/** Turns that are drawn, and at most so many more with each wish for it. */
const TURNS = 10;
/** Steps that these have together, unless one turn alone has more: they are all drawn before anything of them is seen. */
const STEPS = 150;

/** A conversation, oldest first; it stays at its end unless its reader has scrolled up. */
export function Transcript({
  turns,
  name,
  sessionId,
  underway,
  again,
  empty,
}: {
  turns: readonly Turn[];
  /** Of the conversation: another one begins at its end. */
  name: string;
  sessionId: string;
  underway: Underway | null;
  again: ((turn: Turn) => void) | null;
  /** What is shown where nothing was said yet. */
  empty: ReactNode;
}) {
  const box = useRef<HTMLElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const { away, toEnd } = useStaying(box, content, name);
  const [unseen] = useState(() => beyond(turns));
  const [more, setMore] = useState(0);
  const names = useAttachmentNames(sessionId, turns);
  const hidden = Math.max(0, Math.max(unseen, turns.length - TURNS) - more);
  const earlier = Math.min(TURNS, hidden - beyond(turns.slice(0, hidden)));
  const last = turns.at(-1);
  return (
    <div className="chat-transcript">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is to be reached by keyboard */}
      <section className="chat-scroll" ref={box} aria-label="Conversation" tabIndex={0}>
        <div className="chat-column" ref={content}>
          {hidden > 0 && (
            <Button size="compact-sm" variant="subtle" onClick={() => setMore(more + earlier)}>
              Show {plural(earlier, "earlier turn")}
            </Button>
          )}
          {turns.length === 0 && underway === null && empty}
          {turns.slice(hidden).map((turn) => (
            <TurnView key={turn.turnId} turn={turn} sessionId={sessionId} names={names} again={turn === last ? again : null} />
          ))}
          {underway && (
            <article className="chat-turn" aria-label="A prompt that is on its way">
              <PromptView
                text={underway.prompt.text}
                attachments={underway.prompt.attachments.map((file) => file.name)}
                note={underway.trouble === null ? "Sending" : `Not sent yet: ${underway.trouble} It is tried again.`}
              />
            </article>
          )}
        </div>
      </section>
      {away && (
        <Button
          className="chat-latest"
          size="compact-sm"
          variant="default"
          radius="xl"
          onClick={toEnd}
          leftSection={<IconArrowDown size={14} aria-hidden />}
        >
          Jump to latest
        </Button>
      )}
      <VisuallyHidden role="status">
        {last?.ended ? `The turn is over: ${last.ended.status}.` : last ? `${last.agent} works.` : ""}
      </VisuallyHidden>
    </div>
  );
}

/** How many turns are before the last that have no more than STEPS together. The last one is not before itself, however long. */
function beyond(turns: readonly Turn[]): number {
  let steps = 0;
  const first = turns.findLastIndex(({ items }) => {
    steps += items.length;
    return steps > STEPS;
  });
  return Math.min(first + 1, Math.max(0, turns.length - 1));
}

/** The names of the files that prompts came with: the log has their ids. */
function useAttachmentNames(sessionId: string, turns: readonly Turn[]): ReadonlyMap<string, string> {
  const { api, workspaceId, may } = useRoom();
  const named = turns.flatMap((turn) => turn.attachments).join();
  const files = useQuery({
    queryKey: roomKey(workspaceId, "sessions", sessionId, "attachments", named),
    queryFn: () =>
      everything((cursor) =>
        answer(
          api.GET("/api/workspaces/{workspaceId}/sessions/{sessionId}/attachments", {
            params: { path: { workspaceId, sessionId }, query: { limit: 100, ...(cursor !== undefined && { cursor }) } },
          }),
        ),
      ),
    enabled: named !== "" && may("files:read"),
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: (known) => known,
  });
  return useMemo(() => new Map(files.data?.map((file) => [file.attachmentId, file.name])), [files.data]);
}
