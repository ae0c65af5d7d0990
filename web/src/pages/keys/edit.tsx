import { Modal, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ApiError } from "#/api/problem";
import type { KeyChange, KeyView } from "#/api/schema";
import { FormDialog, fieldError } from "#/ui/form";
import { Shown } from "#/ui/states";
import { type Expiry, ExpiryField, endOf, expiryOf } from "./expiry";
import type { Keyring, SeenKey } from "./keyring";
import { isRight, type Right } from "./rights";
import { Scopes } from "./scopes";

const CHANGED = new Error("Somebody else has changed this key meanwhile. Close this form and open it again.");

interface Props {
  keyring: Keyring;
  keyId: string;
  /** It was changed. */
  done: () => void;
  close: () => void;
}

/** Changes a key: its name, its end, and what is to be taken away from it. */
export function EditKey({ keyring, keyId, done, close }: Props) {
  // Not from the list: what is changed is what the form shows, and not what somebody else has made of it since.
  const query = useQuery({
    queryKey: [...keyring.queryKey, keyId],
    queryFn: () => keyring.show(keyId),
    gcTime: 0,
    staleTime: 0,
  });
  if (query.data !== undefined) return <Form keyring={keyring} seen={query.data} done={done} close={close} />;
  return (
    <Modal opened onClose={close} title="Change a key" size="lg">
      <Shown query={query}>{() => null}</Shown>
    </Modal>
  );
}

interface Draft {
  name: string;
  /** Null while its end stays as it is: to choose a day would move it to the end of that day. */
  expiry: Expiry | null;
  scopes: Right[];
}

/** What differs from the key. */
export function changeOf(draft: Draft, key: KeyView, now: number): KeyChange {
  const name = draft.name.trim();
  return {
    ...(name !== key.name && { name }),
    ...(draft.scopes.length < key.scopes.length && { scopes: draft.scopes }),
    ...(draft.expiry !== null && { expiresAt: endOf(draft.expiry, now) }),
  };
}

function Form({ keyring, seen, done, close }: { keyring: Keyring; seen: SeenKey; done: () => void; close: () => void }) {
  // Somebody else's change, seen by a refetch, does not move what is being edited; If-Match tells of it.
  const [{ view, etag }] = useState(seen);
  const rights = view.scopes.filter(isRight);
  const [draft, setDraft] = useState<Draft>({ name: view.name, expiry: null, scopes: rights });
  const change = useMutation({
    mutationFn: () => keyring.change(view.keyId, changeOf(draft, view, Date.now()), etag),
    onSuccess: done,
  });
  return (
    <FormDialog
      title="Change a key"
      action="Save"
      size="lg"
      busy={change.isPending}
      error={stale(change.error) ? CHANGED : change.error}
      fields={["/name", "/scopes", "/expiresAt"]}
      onSubmit={change.mutate}
      onClose={close}
    >
      <TextInput
        label="Name"
        value={draft.name}
        onChange={(event) => setDraft({ ...draft, name: event.currentTarget.value })}
        error={fieldError(change.error, "/name")}
        required
        maxLength={100}
        data-autofocus
      />
      <ExpiryField
        value={draft.expiry ?? expiryOf(view.expiresAt)}
        onChange={(expiry) => setDraft({ ...draft, expiry })}
        error={fieldError(change.error, "/expiresAt")}
      />
      <Text size="sm">Rights can be taken away, and do not come back: a key that may do more is a new one.</Text>
      <Scopes
        offered={rights}
        chosen={draft.scopes}
        onChange={(scopes) => setDraft({ ...draft, scopes })}
        error={fieldError(change.error, "/scopes")}
      />
    </FormDialog>
  );
}

function stale(error: unknown): boolean {
  return error instanceof ApiError && error.status === 412;
}
