import { ActionIcon, Button, Group, Modal, TextInput, Tooltip } from "@mantine/core";
import { IconLayoutColumns, IconLayoutRows, IconPencil, IconX } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";

/** What can be done with the terminal that has the keys. */
export function TerminalActions({
  name,
  split,
  rename,
  close,
}: {
  name: string;
  split: (direction: "row" | "column") => void;
  rename: (name: string) => void;
  close: () => void;
}) {
  const [naming, setNaming] = useState<string | null>(null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    rename(naming ?? "");
    setNaming(null);
  };
  const actions = [
    { label: "Split right", keys: "Ctrl-Shift-D", Icon: IconLayoutColumns, run: () => split("row"), wide: true },
    { label: "Split down", keys: "Ctrl-Shift-E", Icon: IconLayoutRows, run: () => split("column"), wide: true },
    { label: "Rename", keys: null, Icon: IconPencil, run: () => setNaming(name), wide: false },
    { label: "Close terminal", keys: "Ctrl-Shift-X", Icon: IconX, run: close, wide: false },
  ];
  return (
    <Group gap={2} wrap="nowrap">
      {actions.map(({ label, keys, Icon, run, wide }) => (
        <Tooltip key={label} label={keys === null ? label : `${label} (${keys})`}>
          <ActionIcon variant="subtle" color="gray" aria-label={label} onClick={run} {...(wide && { visibleFrom: "xs" })}>
            <Icon size={16} aria-hidden />
          </ActionIcon>
        </Tooltip>
      ))}
      <Modal opened={naming !== null} onClose={() => setNaming(null)} title="Rename the terminal">
        <form onSubmit={submit}>
          <TextInput
            label="Name"
            description="Empty, and it is called as its program calls it."
            value={naming ?? ""}
            maxLength={60}
            onChange={(event) => setNaming(event.currentTarget.value)}
            data-autofocus
          />
          <Group justify="flex-end" mt="md" gap="xs">
            <Button variant="default" onClick={() => setNaming(null)}>
              Cancel
            </Button>
            <Button type="submit">Rename</Button>
          </Group>
        </form>
      </Modal>
    </Group>
  );
}
