import { Alert, Text } from "@mantine/core";
import { type DragEvent, useCallback, useMemo, useRef } from "react";
import type { AgentView, ConversationView } from "#/api/schema";
import { workKey } from "#/api/work";
import { useLive } from "#/live/room";
import { useRoom } from "#/room/room";
import { type Command, useCommands } from "#/shell/commands";
import { EmptyState } from "#/ui/states";
import { Choices } from "./composer/choices";
import { Composer } from "./composer/composer";
import { type Asking, type Attached, added, again, isAsking, type Prompt, released, removed } from "./composer/queue";
import { useQueue } from "./composer/sending";
import { ATTACHMENTS_MAX } from "./composer/upload";
import { useUploads } from "./composer/uploads";
import { Waiting } from "./composer/waiting";
import { Obstacle } from "./head";
import { useKept } from "./kept";
import { type Place, placeKey, type Turn } from "./log/turn";
import { type Question, Questions } from "./permissions/cards";
import { useStopping } from "./stopping";
import { Transcript } from "./transcript/transcript";

const NOTHING: Asking = { text: "", attachments: [], mode: null, model: null };

/** One conversation: what was said, what waits for an answer, and where the next prompt is written. */
export function Conversation({
  sessionId,
  place,
  turns,
  agent,
  conversation,
  questions,
  trouble,
  open,
  keep,
}: {
  sessionId: string;
  place: Place;
  turns: readonly Turn[];
  agent: AgentView | undefined;
  conversation: ConversationView | undefined;
  questions: readonly Question[];
  /** What is wrong with the connection. */
  trouble: string | null;
  open: (place: Place) => void;
  keep: (changed: ConversationView) => void;
}) {
  const { workspaceId, may, live } = useRoom();
  const session = useLive(live, (state) => state.sessions.get(sessionId));
  const writes = may("turns:write");
  const name = placeKey(place);
  const field = useRef<HTMLTextAreaElement>(null);
  const [draft, changeDraft] = useKept(workKey(`draft.${workspaceId}.${sessionId}.${name}`), NOTHING, isAsking);
  const attach = useCallback(
    (file: Attached) => changeDraft((before) => ({ ...before, attachments: [...before.attachments, file] })),
    [changeDraft],
  );
  const uploads = useUploads(sessionId, attach);
  const { queue, waiting, next, underway, change } = useQueue(sessionId, place, turns, writes && session?.status === "ready");
  const last = turns.at(-1);
  const running = last !== undefined && last.ended === null;
  const stop = useStopping(sessionId, running && writes ? last.turnId : null);
  useConversationCommands(stop, field);

  const ask = (asking: Asking) => change((all) => added(all, asking, last));
  const send = () => {
    ask(draft);
    changeDraft(() => NOTHING);
  };
  const edit = (prompt: Prompt) => {
    change((all) => removed(all, prompt.key));
    changeDraft((before) => joined(prompt, before));
    field.current?.focus();
  };
  const repeat = useCallback(
    ({ text, attachments }: Turn) => {
      const files = attachments.map((attachmentId) => ({ attachmentId, name: attachmentId }));
      change((all) => again(all, { text, attachments: files, mode: null, model: null }, last));
    },
    [change, last],
  );
  const drop = (event: DragEvent) => {
    if (event.dataTransfer.files.length === 0) return;
    event.preventDefault();
    uploads.add([...event.dataTransfer.files], ATTACHMENTS_MAX - draft.attachments.length - uploads.files.length);
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: files can be dropped anywhere, and be chosen by a button
    <div className="chat-conversation" onDragOver={(event) => event.preventDefault()} onDrop={writes ? drop : undefined}>
      <Transcript
        turns={turns}
        name={name}
        sessionId={sessionId}
        underway={underway}
        again={writes ? repeat : null}
        empty={
          <EmptyState title={`${agent?.title ?? place.agent} has not worked here yet`}>
            Write what is to be done. The agent works in this session's files, and asks before it does what you have not
            allowed.
          </EmptyState>
        }
      />
      <div className="chat-dock">
        <Questions sessionId={sessionId} questions={questions} open={open} />
        {trouble && (
          <Text size="sm" className="chat-trouble" role="status">
            {trouble}
          </Text>
        )}
        {session !== undefined && session.status !== "ready" && (
          <Alert color="yellow" variant="light" p="xs" role="status">
            {session.status === "cloning"
              ? "The repository is still being cloned. What you send waits for it."
              : `The repository could not be cloned: ${session.errorReason ?? "git does not say why"}`}
          </Alert>
        )}
        {agent && <Obstacle agent={agent} />}
        {writes ? (
          <>
            <Waiting
              items={waiting}
              queue={queue}
              next={next}
              change={change}
              edit={edit}
              release={() => change((all) => released(all, last))}
            />
            <Composer
              sessionId={sessionId}
              worktreeId={place.worktreeId}
              field={field}
              draft={draft}
              change={(to) => changeDraft((before) => emptied({ ...before, ...to }))}
              uploads={uploads}
              send={send}
              running={running}
              stop={stop}
              choices={
                <Choices
                  sessionId={sessionId}
                  agent={agent}
                  conversation={conversation}
                  draft={draft}
                  choose={(choice) => changeDraft((before) => ({ ...before, ...choice }))}
                  keep={keep}
                />
              }
            />
          </>
        ) : (
          <Text size="sm" c="dimmed" p="xs">
            Your role may read here, and not write.
          </Text>
        )}
      </div>
    </div>
  );
}

/** What was taken out of the queue, before what is being written already. */
function joined(prompt: Asking, before: Asking): Asking {
  return {
    text: [prompt.text, before.text].filter((text) => text !== "").join("\n\n"),
    attachments: [...prompt.attachments, ...before.attachments].slice(0, ATTACHMENTS_MAX),
    mode: prompt.mode,
    model: prompt.model,
  };
}

/** Nothing is kept of a draft in which nothing is. */
function emptied(draft: Asking): Asking {
  const empty = draft.text === "" && draft.attachments.length === 0 && draft.mode === null && draft.model === null;
  return empty ? NOTHING : draft;
}

function useConversationCommands(stop: (() => void) | null, field: { current: HTMLTextAreaElement | null }): void {
  const offered = useMemo<Command[]>(
    () => [
      { id: "chat prompt", group: "Chat", label: "Write a prompt", run: () => field.current?.focus() },
      ...(stop ? [{ id: "chat stop", group: "Chat", label: "Stop the turn", keys: "Ctrl .", run: stop }] : []),
    ],
    [stop, field],
  );
  useCommands(offered);
}
