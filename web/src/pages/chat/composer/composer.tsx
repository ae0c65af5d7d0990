import { ActionIcon, Button, FileButton, Group, Kbd, Text, Tooltip } from "@mantine/core";
import { IconArrowUp, IconPaperclip, IconPlayerStop } from "@tabler/icons-react";
import type { ReactNode, RefObject } from "react";
import { Field } from "./field";
import { Files } from "./files";
import type { Asking } from "./queue";
import { ATTACHMENTS_MAX } from "./upload";
import type { useUploads } from "./uploads";

/** Characters of a prompt, at most; what is longer goes as a file. */
const TEXT_MAX = 256 * 1024;

/** Where a prompt is written. Enter sends it, or puts it into the queue while a turn runs; Shift and Enter break the line. */
export function Composer({
  sessionId,
  worktreeId,
  field,
  draft,
  change,
  uploads,
  send,
  running,
  stop,
  choices,
}: {
  sessionId: string;
  worktreeId: string | null;
  field: RefObject<HTMLTextAreaElement | null>;
  draft: Asking;
  change: (to: Partial<Asking>) => void;
  uploads: ReturnType<typeof useUploads>;
  send: () => void;
  running: boolean;
  /** Stops the turn that runs; null while it is being stopped. */
  stop: (() => void) | null;
  choices: ReactNode;
}) {
  const uploading = uploads.files.some((file) => file.error === null);
  const tooLong = draft.text.length > TEXT_MAX;
  const ready = draft.text.trim() !== "" && !uploading && !tooLong;
  const room = ATTACHMENTS_MAX - draft.attachments.length - uploads.files.length;
  return (
    <form
      className="chat-composer"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) send();
      }}
    >
      <Files
        attached={draft.attachments}
        uploading={uploads.files}
        detach={(id) => change({ attachments: draft.attachments.filter((file) => file.attachmentId !== id) })}
        drop={uploads.drop}
      />
      <Field
        sessionId={sessionId}
        worktreeId={worktreeId}
        field={field}
        text={draft.text}
        change={(text) => change({ text })}
        add={(files) => uploads.add(files, room)}
        error={tooLong ? "This is longer than a prompt may be. Attach it as a file." : null}
      />
      <Group gap={6} justify="space-between" wrap="nowrap" className="chat-composer-foot">
        <Group gap={6}>
          <FileButton multiple onChange={(files) => uploads.add(files, room)}>
            {(props) => (
              <Tooltip label="Attach files">
                <ActionIcon {...props} variant="subtle" color="gray" aria-label="Attach files">
                  <IconPaperclip size={16} aria-hidden />
                </ActionIcon>
              </Tooltip>
            )}
          </FileButton>
          {choices}
        </Group>
        <Group gap={6} wrap="nowrap">
          {uploading && (
            <Text size="xs" c="dimmed">
              Uploading
            </Text>
          )}
          {running && (
            <Tooltip label="Stop the turn (Ctrl .)">
              <Button
                size="compact-sm"
                variant="default"
                loading={stop === null}
                onClick={() => stop?.()}
                leftSection={<IconPlayerStop size={14} aria-hidden />}
              >
                Stop
              </Button>
            </Tooltip>
          )}
          <Button
            type="submit"
            size="compact-sm"
            disabled={!ready}
            leftSection={<IconArrowUp size={14} aria-hidden />}
            rightSection={
              <Kbd size="xs" aria-hidden className="chat-wide">
                ⏎
              </Kbd>
            }
          >
            {running ? "Queue" : "Send"}
          </Button>
        </Group>
      </Group>
    </form>
  );
}
