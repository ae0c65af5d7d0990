import { CloseButton, Group, Progress, Text } from "@mantine/core";
import { IconPaperclip } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { Attached } from "./queue";
import type { Uploading } from "./uploads";

/** The files that go with a prompt, those on their way too. */
export function Files({
  attached,
  uploading,
  detach,
  drop,
}: {
  attached: readonly Attached[];
  uploading: readonly Uploading[];
  detach: (attachmentId: string) => void;
  drop: (id: number) => void;
}) {
  if (attached.length + uploading.length === 0) return null;
  return (
    <Group gap={6} component="ul" className="chat-files" aria-label="Files of the prompt">
      {attached.map(({ attachmentId, name }) => (
        <Chip key={attachmentId} name={name} remove={() => detach(attachmentId)} />
      ))}
      {uploading.map(({ id, name, part, error }) => (
        <Chip key={id} name={name} remove={() => drop(id)}>
          {error === null ? (
            <Progress value={part * 100} size="xs" w={48} aria-label={`Upload of ${name}`} />
          ) : (
            <Text size="xs" c="var(--mantine-color-error)" role="alert">
              {error}
            </Text>
          )}
        </Chip>
      ))}
    </Group>
  );
}

function Chip({ name, remove, children }: { name: string; remove: () => void; children?: ReactNode }) {
  return (
    <Group component="li" gap={6} wrap="nowrap" className="chat-file">
      <IconPaperclip size={12} aria-hidden />
      <Text size="xs" truncate maw={220} title={name}>
        {name}
      </Text>
      {children}
      <CloseButton size="xs" onClick={remove} aria-label={`Remove ${name}`} />
    </Group>
  );
}
