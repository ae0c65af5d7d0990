import { NativeSelect, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Once } from "#/api/once";
import type { KeyView, NewKeyView } from "#/api/schema";
import { FormDialog } from "#/ui/form";
import type { Keyring } from "./keyring";

const OVERLAPS = [
  { value: "0", label: "At once" },
  { value: "300", label: "5 minutes later" },
  { value: "3600", label: "1 hour later" },
  { value: "86400", label: "1 day later" },
  { value: "604800", label: "7 days later" },
];

interface Props {
  keyring: Keyring;
  view: KeyView;
  made: (key: NewKeyView) => void;
  close: () => void;
}

/** Replaces a key; the old one may be good for a while longer, until all who use it have the new one. */
export function RotateKey({ keyring, view, made, close }: Props) {
  const [once] = useState(() => new Once());
  const [overlap, setOverlap] = useState("3600");
  const rotation = useMutation({
    mutationFn: () => keyring.rotate(view.keyId, Number(overlap), once.key(overlap)),
    onSuccess: made,
  });
  return (
    <FormDialog
      title={`Rotate “${view.name}”`}
      action="Rotate"
      busy={rotation.isPending}
      error={rotation.error}
      fields={[]}
      onSubmit={rotation.mutate}
      onClose={close}
    >
      <Text size="sm">The new key has the same name, rights and end, and is shown once.</Text>
      <NativeSelect
        label="The old key ends"
        data={OVERLAPS}
        value={overlap}
        onChange={(event) => setOverlap(event.currentTarget.value)}
        data-autofocus
      />
    </FormDialog>
  );
}
