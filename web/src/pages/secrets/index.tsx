import { Button, Code } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { answer } from "#/api/client";
import type { SecretView } from "#/api/schema";
import { useLive } from "#/live/room";
import { roomKey } from "#/room/key";
import { useRoom } from "#/room/room";
import { type Command, useCommands } from "#/shell/commands";
import { Confirm } from "#/ui/confirm";
import { plural } from "#/ui/format";
import { Page } from "#/ui/page";
import { Row, Rows } from "#/ui/rows";
import { EmptyState, Shown } from "#/ui/states";
import { Ago } from "#/ui/time";
import { SecretForm } from "./form";

/** The environment variables that the workspace's programs get, without their values. */
export default function SecretsPage() {
  const { workspaceId, api, may } = useRoom();
  const [form, setForm] = useState<{ known: SecretView | null } | null>(null);
  const query = useQuery({
    queryKey: roomKey(workspaceId, "secrets"),
    queryFn: () => answer(api.GET("/api/workspaces/{workspaceId}/secrets", { params: { path: { workspaceId } } })),
  });
  const writes = may("secrets:write");
  const offered = useMemo<Command[]>(() => {
    const run = () => setForm({ known: null });
    return writes ? [{ id: "new-secret", group: "Secrets", label: "New secret", run }] : [];
  }, [writes]);
  useCommands(offered);
  const create = writes && (
    <Button size="xs" onClick={() => setForm({ known: null })}>
      New secret
    </Button>
  );
  return (
    <Page
      title="Secrets"
      description="Values that terminals and agents get as environment variables at their next start. Nobody reads them again."
      actions={create}
    >
      <Shown query={query} label="Looking for secrets">
        {({ items }) =>
          items.length > 0 ? (
            <Rows label="Secrets">
              {items.map((secret) => (
                <SecretRow key={secret.name} secret={secret} onSet={() => setForm({ known: secret })} />
              ))}
            </Rows>
          ) : (
            <EmptyState title="No secret yet" action={create}>
              A token for a registry, a password of a test database: what programs need and nobody should see.
            </EmptyState>
          )
        }
      </Shown>
      {form && <SecretForm known={form.known} onClose={() => setForm(null)} />}
    </Page>
  );
}

function SecretRow({ secret, onSet }: { secret: SecretView; onSet: () => void }) {
  const { workspaceId, api, may } = useRoom();
  const queries = useQueryClient();
  const remove = async () => {
    const path = { workspaceId, secretName: secret.name };
    await answer(api.DELETE("/api/workspaces/{workspaceId}/secrets/{secretName}", { params: { path } }));
    await queries.invalidateQueries({ queryKey: roomKey(workspaceId, "secrets") });
  };
  return (
    <Row
      title={<Code>{secret.name}</Code>}
      meta={
        <>
          <SessionNames sessions={secret.sessions} />
          <span>Version {secret.version}</span>
          <span>
            Set <Ago at={secret.updatedAt} />
          </span>
        </>
      }
      actions={
        may("secrets:write") && (
          <>
            <Button size="xs" variant="default" onClick={onSet}>
              Replace
            </Button>
            <Confirm
              title={`Delete ${secret.name}?`}
              text="Programs that are started from now on do not get it. Those that run keep it until their end."
              act={remove}
            >
              Delete
            </Confirm>
          </>
        )
      }
    />
  );
}

function SessionNames({ sessions }: { sessions: readonly string[] | null }) {
  const { live } = useRoom();
  const known = useLive(live, (state) => state.sessions);
  if (sessions === null) return <span>All sessions</span>;
  if (sessions.length > 3) return <span>{plural(sessions.length, "session")}</span>;
  return <span>{sessions.map((id) => known.get(id)?.name ?? `${id.slice(0, 9)}…`).join(", ") || "No session"}</span>;
}
