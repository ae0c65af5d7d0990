import { Button, type ButtonProps, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure, useId } from "@mantine/hooks";
import { type FormEvent, type ReactNode, useState } from "react";
import { messageOf } from "#/api/problem";

interface Question {
  title: string;
  /** What will happen. */
  text: ReactNode;
  /** What the person has to type first, where there is no way back. */
  typed?: string;
  act: () => Promise<unknown>;
}

interface Props extends Question, ButtonProps {
  /** The button's own text, like "Delete". */
  children: ReactNode;
}

/** A button whose deed is confirmed in a dialog; what goes wrong is said there. */
export function Confirm({ children, title, text, typed, act, ...button }: Props) {
  const [opened, dialog] = useDisclosure(false);
  return (
    <>
      <Button color="red" variant="light" size="xs" {...button} onClick={dialog.open}>
        {children}
      </Button>
      <ConfirmDialog
        opened={opened}
        close={dialog.close}
        title={title}
        text={text}
        act={act}
        {...(typed !== undefined && { typed })}
        label={children}
      />
    </>
  );
}

interface DialogProps extends Question {
  opened: boolean;
  close: () => void;
  /** The text of the button that does it. */
  label: ReactNode;
}

/** The dialog of Confirm, for what is chosen in a menu or by a key. */
export function ConfirmDialog({ opened, close, title, text, typed, act, label }: DialogProps) {
  const [given, setGiven] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const hint = useId();

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await act();
      close();
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };

  return (
    <Modal opened={opened} onClose={close} title={title}>
      <form onSubmit={submit}>
        <Stack gap="md">
          <Text size="sm" component="div" id={hint}>
            {text}
          </Text>
          {typed !== undefined && (
            <TextInput
              label={`Type “${typed}” to go on`}
              value={given}
              onChange={(event) => setGiven(event.currentTarget.value)}
              data-autofocus
              autoComplete="off"
            />
          )}
          {error !== null && (
            <Text size="sm" c="var(--mantine-color-error)" role="alert">
              {messageOf(error)}
            </Text>
          )}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close} data-autofocus={typed === undefined || undefined}>
              Cancel
            </Button>
            <Button type="submit" color="red" loading={busy} disabled={typed !== undefined && given !== typed}>
              {label}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
