import { TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { answer } from "#/api/client";
import { api, meQuery } from "#/api/identity";
import { Once } from "#/api/once";
import { FormDialog, fieldError } from "#/ui/form";
import { ORGANISATIONS } from "./data";
import { SLUG_MAX, SLUG_PATTERN, slugOf } from "./slug";

/** The form of a new organisation. */
export function CreateOrganisation({ close }: { close: () => void }) {
  const queries = useQueryClient();
  const [, go] = useLocation();
  const [once] = useState(() => new Once());
  const [name, setName] = useState("");
  // Null while it follows the name.
  const [typed, setTyped] = useState<string | null>(null);
  const slug = typed ?? slugOf(name);
  const creation = useMutation({
    mutationFn: () => {
      const body = { name: name.trim(), slug };
      return answer(api.POST("/api/orgs", { params: { header: { "Idempotency-Key": once.key(body) } }, body }));
    },
    onSuccess: async ({ organisationId }) => {
      // Whoever makes one is a member of it from now on.
      await Promise.all([
        queries.invalidateQueries({ queryKey: ORGANISATIONS }),
        queries.invalidateQueries({ queryKey: meQuery.queryKey }),
      ]);
      go(`/orgs/${organisationId}`);
    },
  });
  return (
    <FormDialog
      title="New organisation"
      action="Create"
      busy={creation.isPending}
      error={creation.error}
      fields={["/name", "/slug"]}
      onSubmit={creation.mutate}
      onClose={close}
    >
      <TextInput
        label="Name"
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        error={fieldError(creation.error, "/name")}
        required
        maxLength={100}
        data-autofocus
      />
      <TextInput
        label="Slug"
        description="Its name in addresses: small letters, digits and hyphens."
        value={slug}
        onChange={(event) => setTyped(event.currentTarget.value)}
        error={fieldError(creation.error, "/slug")}
        required
        maxLength={SLUG_MAX}
        pattern={SLUG_PATTERN}
        spellCheck={false}
      />
    </FormDialog>
  );
}
