import { Button, Group, Modal, type ModalProps, Stack, Text } from "@mantine/core";
import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { ApiError, messageOf, sentence } from "#/api/problem";

/** What the API says of the field that `pointer` names (RFC 6901), as Mantine's `error` property. */
export function fieldError(error: unknown, pointer: string): string | null {
  const detail = error instanceof ApiError ? error.field(pointer) : undefined;
  return detail === undefined ? null : sentence(detail);
}

interface Props {
  title: string;
  /** What the button says. */
  action: string;
  busy: boolean;
  error: unknown;
  /** The pointers of the fields that show what is wrong with them; anything else is said above the buttons. */
  fields: readonly string[];
  onSubmit: () => void;
  onClose: () => void;
  size?: ModalProps["size"];
  children: ReactNode;
}

/** A form in a dialog. A click beside it does not close it, so that nothing typed is lost by accident. */
export function FormDialog({ title, action, busy, error, fields, onSubmit, onClose, size = "md", children }: Props) {
  useFocusBack();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit();
  };
  return (
    <Modal opened onClose={onClose} title={title} size={size} closeOnClickOutside={false}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          {children}
          <FormError error={error} fields={fields} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={busy}>
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

/** Gives the focus back to what had it before: a dialog that is taken away, and not closed, does not do so itself. */
function useFocusBack(): void {
  const [before] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    },
    [before],
  );
}

/** What went wrong, unless it is about `fields` alone: they say it themselves. */
export function FormError({ error, fields }: { error: unknown; fields: readonly string[] }) {
  if (error === null) return null;
  const told = error instanceof ApiError ? error.errors : [];
  if (told.length > 0 && told.every(({ pointer }) => pointer != null && fields.includes(pointer))) return null;
  return (
    <Text size="sm" c="var(--mantine-color-error)" role="alert">
      {messageOf(error)}
    </Text>
  );
}
