import { ActionIcon, Button, CopyButton, Group, Stack, Text, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy, IconDownload } from "@tabler/icons-react";

/** A small button that copies `value`. `label` says what it is, like "the workspace's id". */
export function Copy({ value, label }: { value: string; label: string }) {
  return (
    <CopyButton value={value} timeout={1500}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? "Copied" : `Copy ${label}`}>
          <ActionIcon variant="subtle" color={copied ? "teal" : "gray"} size="sm" onClick={copy} aria-label={`Copy ${label}`}>
            {copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}

/** Give `content` to the browser as a file. */
export function download(name: string, content: BlobPart, type = "text/plain"): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

interface Revealed {
  label: string;
  value: string;
  /** The name of the file that it can be downloaded as. */
  file: string;
  /** Hears that it was copied or downloaded. */
  onTaken?: () => void;
}

/** What is shown once: it can be copied and downloaded, and is gone when the page is left. */
export function Reveal({ label, value, file, onTaken }: Revealed) {
  return (
    <Stack gap={6}>
      <Text size="sm" fw={500}>
        {label}
      </Text>
      <Text component="code" className="secret" data-testid="secret">
        {value}
      </Text>
      <Group gap="xs">
        <CopyButton value={value} timeout={1500}>
          {({ copied, copy }) => (
            <Button
              size="xs"
              onClick={() => {
                copy();
                onTaken?.();
              }}
              leftSection={copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
            >
              {copied ? "Copied" : "Copy"}
            </Button>
          )}
        </CopyButton>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconDownload size={14} />}
          onClick={() => {
            download(file, `${value}\n`);
            onTaken?.();
          }}
        >
          Download
        </Button>
      </Group>
      <Text size="xs" c="dimmed">
        This is the only time that it is shown.
      </Text>
    </Stack>
  );
}
