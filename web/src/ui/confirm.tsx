import { Button, type ButtonProps, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure, useId } from "@mantine/hooks";
import { type FormEvent, type ReactNode, useState } from "react";
import { messageOf } from "#/api/problem";

interface Props extends ButtonProps {
  /** The button's own text, like "Delete". */
  children: ReactNode;
  title: string;
  /** What will happen. */
  text: ReactNode;
  /** What the person has to type first, where there is no way back. */
  typed?: string;
  act: () => Promise<unknown>;
}

/** A button whose deed is confirmed in a dialog; what goes wrong is said there. */
export function Confirm({ children, title, text, typed, act, ...button }: Props) {
  const [opened, dialog] = useDisclosure(false);
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
      dialog.close();
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };

  return (
    <>
      <Button color="red" variant="light" size="xs" {...button} onClick={dialog.open}>
        {children}
      </Button>
      <Modal opened={opened} onClose={dialog.close} title={title}>
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
              <Text size="sm" c="red.8" role="alert">
                {messageOf(error)}
              </Text>
            )}
            <Group justify="flex-end" gap="xs">
              <Button variant="default" onClick={dialog.close} data-autofocus={typed === undefined || undefined}>
                Cancel
              </Button>
              <Button type="submit" color="red" loading={busy} disabled={typed !== undefined && given !== typed}>
                {children}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
