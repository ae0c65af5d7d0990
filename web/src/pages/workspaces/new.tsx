import { Button, Group, Select, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Link } from "wouter";
import { answer } from "#/api/client";
import { api } from "#/api/identity";
import { Once } from "#/api/once";
import type { Me, NewWorkspace, NewWorkspaceView } from "#/api/schema";
import { WORKSPACES } from "#/live/rows";
import { FormError, fieldError } from "#/ui/form";
import { Page } from "#/ui/page";
import { EmptyState } from "#/ui/states";
import { type Credentials, CredentialsFields } from "./credentials";
import { Made } from "./made";
import { type Owner, useHomes } from "./queries";

/** Seconds that the answer waits for the workspace; what takes longer is followed in the page. */
const WAIT = 5;
const NOBODY = "none";

/** Make a workspace; then its secret, shown once. */
export default function NewWorkspacePage({ me }: { me: Me }) {
  const homes = useHomes(me);
  const [made, setMade] = useState<NewWorkspaceView | null>(null);
  if (made !== null) return <Made me={me} made={made} />;
  return (
    <Page title="New workspace" description="A Linux user of its own, closed to all others.">
      {homes.length > 0 ? (
        <Form homes={homes} done={setMade} />
      ) : (
        <EmptyState title="You cannot make workspaces">
          An administrator of the host can, or an admin of an organisation. Ask one of them to make one for you.
        </EmptyState>
      )}
    </Page>
  );
}

function Form({ homes, done }: { homes: readonly (Owner | null)[]; done: (made: NewWorkspaceView) => void }) {
  const queries = useQueryClient();
  const [once] = useState(() => new Once());
  const [name, setName] = useState("");
  const [home, setHome] = useState(homes[0]?.organisationId ?? NOBODY);
  const [credentials, setCredentials] = useState<Credentials>({});
  const deed = useMutation({
    mutationFn: (body: NewWorkspace) => create(home === NOBODY ? null : home, body, once.key([home, body])),
    onSuccess: (made) => {
      done(made);
      void queries.invalidateQueries({ queryKey: WORKSPACES });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    deed.mutate({ ...(name.trim() && { name: name.trim() }), providers: providersOf(credentials) });
  };
  const fields = ["/name", ...Object.keys(credentials).map((provider) => `/providers/${provider}/auth/value`)];
  return (
    <Stack component="form" onSubmit={submit} maw={560} gap="md">
      <TextInput
        label="Name"
        description="Without one it is called by its id."
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        error={fieldError(deed.error, "/name")}
        maxLength={100}
        autoComplete="off"
        data-autofocus
      />
      {homes.length > 1 && (
        <Select
          label="Owner"
          description="Members of an organisation reach its workspaces, each by their rank."
          value={home}
          onChange={(value) => value !== null && setHome(value)}
          data={homes.map((found) => ({ value: found?.organisationId ?? NOBODY, label: found?.name ?? "No organisation" }))}
          searchable={homes.length > 8}
          allowDeselect={false}
        />
      )}
      {homes.length === 1 && homes[0] && <Text size="sm">It will belong to {homes[0].name}.</Text>}
      <CredentialsFields value={credentials} error={deed.error} onChange={setCredentials} />
      <FormError error={deed.error} fields={fields} />
      <Group gap="xs">
        <Button type="submit" loading={deed.isPending}>
          Create the workspace
        </Button>
        <Button component={Link} href="/" variant="default">
          Cancel
        </Button>
      </Group>
    </Stack>
  );
}

/** What was typed; a provider that got no credential is left out. */
function providersOf(credentials: Credentials): NonNullable<NewWorkspace["providers"]> {
  const given = Object.entries(credentials).filter(([, { value }]) => value !== "");
  return Object.fromEntries(given.map(([provider, auth]) => [provider, { enabled: true, auth }]));
}

function create(organisationId: string | null, body: NewWorkspace, key: string): Promise<NewWorkspaceView> {
  const header = { "Idempotency-Key": key, Prefer: `wait=${WAIT}` };
  if (organisationId === null) return answer(api.POST("/api/workspaces", { params: { header }, body }));
  return answer(api.POST("/api/orgs/{organisationId}/workspaces", { params: { header, path: { organisationId } }, body }));
}
