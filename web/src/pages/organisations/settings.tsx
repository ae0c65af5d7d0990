import { Button, Group, Paper, Stack, Text, TextInput, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useLocation } from "wouter";
import { answer } from "#/api/client";
import { api, meQuery } from "#/api/identity";
import { ApiError } from "#/api/problem";
import { Confirm } from "#/ui/confirm";
import { FormError, fieldError } from "#/ui/form";
import { complain, say } from "#/ui/notify";
import { ORGANISATIONS, organisationQuery, type SectionProps, type SeenOrganisation } from "./data";
import { SLUG_MAX, SLUG_PATTERN } from "./slug";

const CHANGED = new Error(
  "Somebody else has changed the organisation meanwhile. Look at what it is now, then change it again.",
);

/** An organisation's name and slug, and its end. */
export function OrganisationSettings({ seen, standing }: SectionProps) {
  const queries = useQueryClient();
  // What somebody else changes meanwhile does not move what is being typed; If-Match tells of it.
  const [base, setBase] = useState(seen);
  const renew = async () => setBase(await queries.fetchQuery({ ...organisationQuery(seen.view.organisationId), staleTime: 0 }));
  return (
    <Stack gap="lg">
      <NameForm key={base.etag} seen={base} renew={renew} />
      {standing.owns && <Danger seen={seen} />}
    </Stack>
  );
}

function NameForm({ seen, renew }: { seen: SeenOrganisation; renew: () => Promise<unknown> }) {
  const queries = useQueryClient();
  const { organisationId } = seen.view;
  const [name, setName] = useState(seen.view.name);
  const [slug, setSlug] = useState(seen.view.slug);
  const saving = useMutation({
    mutationFn: () =>
      answer(
        api.PATCH("/api/orgs/{organisationId}", {
          params: { path: { organisationId }, ...(seen.etag !== null && { header: { "If-Match": seen.etag } }) },
          body: { name: name.trim(), slug },
        }),
      ),
    onSuccess: async () => {
      say("The organisation was changed");
      await Promise.all([renew(), queries.invalidateQueries({ queryKey: ORGANISATIONS })]);
    },
  });
  const stale = saving.error instanceof ApiError && saving.error.status === 412;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    saving.mutate();
  };
  return (
    <Stack component="form" gap="sm" maw={480} onSubmit={submit}>
      <TextInput
        label="Name"
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        error={fieldError(saving.error, "/name")}
        required
        maxLength={100}
      />
      <TextInput
        label="Slug"
        description="Its name in addresses: small letters, digits and hyphens."
        value={slug}
        onChange={(event) => setSlug(event.currentTarget.value)}
        error={fieldError(saving.error, "/slug")}
        required
        maxLength={SLUG_MAX}
        pattern={SLUG_PATTERN}
        spellCheck={false}
      />
      <FormError error={stale ? CHANGED : saving.error} fields={["/name", "/slug"]} />
      <Group>
        <Button
          type="submit"
          size="xs"
          loading={saving.isPending}
          disabled={name.trim() === seen.view.name && slug === seen.view.slug}
        >
          Save
        </Button>
        {stale && (
          <Button size="xs" variant="default" onClick={() => void renew().catch(complain)}>
            Show what it is now
          </Button>
        )}
      </Group>
    </Stack>
  );
}

function Danger({ seen }: { seen: SeenOrganisation }) {
  const queries = useQueryClient();
  const [, go] = useLocation();
  const { organisationId, slug, name } = seen.view;
  const remove = async () => {
    await api.DELETE("/api/orgs/{organisationId}", { params: { path: { organisationId } } });
    await queries.invalidateQueries({ queryKey: meQuery.queryKey });
    await queries.invalidateQueries({ queryKey: ORGANISATIONS });
    go("/orgs");
  };
  return (
    <Paper withBorder p="sm" component="section" aria-label="Delete">
      <Group justify="space-between" gap="sm">
        <div>
          <Title order={2} size="h5">
            Delete the organisation
          </Title>
          <Text size="sm" c="dimmed">
            It must own no workspace any more; one that can be restored counts.
          </Text>
        </div>
        <Confirm
          title={`Delete “${name}”?`}
          text="Its members, invitations, keys and webhooks end with it. There is no way back."
          typed={slug}
          act={remove}
        >
          Delete
        </Confirm>
      </Group>
    </Paper>
  );
}
