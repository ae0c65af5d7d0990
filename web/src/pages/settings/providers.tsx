import { Badge, Button, Group, Stack, Switch, TextInput } from "@mantine/core";
import { useState } from "react";
import type { ProviderAuth, ProviderChange, ProviderState } from "#/api/schema";
import { useAgents } from "#/room/agents";
import { useRoom } from "#/room/room";
import { Confirm } from "#/ui/confirm";
import { FormDialog, fieldError } from "#/ui/form";
import { complain, say } from "#/ui/notify";
import { Row, Rows } from "#/ui/rows";
import { CredentialFields } from "./credential";
import { KINDS, KNOWN, kindsOf, titleOf } from "./known";
import { type Seen, useChange } from "./workspace";

/** The providers of the workspace: whether each may be used, and its credential, which is given and never shown. */
export function Providers({ seen }: { seen: Seen }) {
  const room = useRoom();
  const writes = room.may("workspaces:write");
  const [open, setOpen] = useState<string | null>(null);
  const agents = useAgentNames();
  const change = useChange();
  const names = [...new Set([...Object.keys(KNOWN), ...agents, ...Object.keys(seen.view.providers)])];
  const send = async (provider: string, to: ProviderChange | null) => {
    await change.mutateAsync({ body: { providers: { [provider]: to } }, etag: null });
    say(`${titleOf(provider)} is as you want it, from each agent's next start on`);
  };
  return (
    <Stack gap="sm" align="stretch">
      <Rows label="Providers">
        {names.map((name) => (
          <ProviderRow
            key={name}
            name={name}
            state={seen.view.providers[name]}
            writes={writes}
            busy={change.isPending}
            edit={() => setOpen(name)}
            send={(to) => send(name, to)}
          />
        ))}
      </Rows>
      {writes && (
        <Group>
          <Button size="xs" variant="default" onClick={() => setOpen("")}>
            Another provider
          </Button>
        </Group>
      )}
      {open !== null && (
        <CredentialDialog name={open} state={seen.view.providers[open]} close={() => setOpen(null)} send={send} />
      )}
    </Stack>
  );
}

/** What agents the host has beside those that everybody knows. */
function useAgentNames(): readonly string[] {
  const { data } = useAgents();
  // Two agents may share a provider; those that come with hostel are named by theirs.
  return data?.map(({ agent }) => agent).filter((agent) => !agent.startsWith("claude")) ?? [];
}

interface RowProps {
  name: string;
  state: ProviderState | undefined;
  writes: boolean;
  busy: boolean;
  edit: () => void;
  send: (to: ProviderChange | null) => Promise<void>;
}

function ProviderRow({ name, state, writes, busy, edit, send }: RowProps) {
  const auth = state?.auth ?? null;
  const enabled = state?.enabled ?? true;
  return (
    <Row
      title={
        <>
          <span>{titleOf(name)}</span>
          {auth ? (
            <Badge color="teal" variant="light" tt="none">
              {KINDS[auth.type]} set
            </Badge>
          ) : (
            <Badge color="gray" variant="light" tt="none">
              No credential
            </Badge>
          )}
        </>
      }
      meta={!enabled && "Switched off: no turn may use it."}
      actions={
        writes && (
          <>
            <Switch
              size="xs"
              checked={enabled}
              disabled={busy}
              onChange={(event) =>
                void send({ enabled: event.currentTarget.checked }).catch((error: unknown) => complain(error))
              }
              label="May be used"
              aria-label={`${titleOf(name)} may be used`}
            />
            <Button
              size="compact-sm"
              variant="default"
              onClick={edit}
              aria-label={`${auth ? "Replace" : "Set"} ${titleOf(name)}`}
            >
              {auth ? "Replace" : "Set"}
            </Button>
            {state && (
              <Confirm
                size="compact-sm"
                title={`Remove ${titleOf(name)}?`}
                text="Its credential is forgotten. Agents that run go on with it until they end."
                act={() => send(null)}
                aria-label={`Remove ${titleOf(name)}`}
              >
                Remove
              </Confirm>
            )}
          </>
        )
      }
    />
  );
}

interface DialogProps {
  /** Empty for a provider that is to be named. */
  name: string;
  state: ProviderState | undefined;
  close: () => void;
  send: (provider: string, to: ProviderChange) => Promise<void>;
}

function CredentialDialog({ name, state, close, send }: DialogProps) {
  const [provider, setProvider] = useState(name);
  const [auth, setAuth] = useState<ProviderAuth>({ type: state?.auth?.type ?? kindsOf(name)[0] ?? "api_key", value: "" });
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const pointer = `/providers/${provider}/auth/value`;
  const submit = async () => {
    setBusy(true);
    setError(null);
    try {
      await send(provider.trim(), { enabled: true, auth });
      close();
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <FormDialog
      title={name === "" ? "Another provider" : `Credential of ${titleOf(name)}`}
      action="Save"
      busy={busy}
      error={error}
      fields={[pointer]}
      onSubmit={() => void submit()}
      onClose={close}
    >
      {name === "" && (
        <TextInput
          label="Name"
          description="As the configuration of the host's agents calls it."
          value={provider}
          onChange={(event) => setProvider(event.currentTarget.value)}
          required
          autoComplete="off"
          spellCheck={false}
        />
      )}
      <CredentialFields provider={name} value={auth} error={fieldError(error, pointer)} onChange={setAuth} />
    </FormDialog>
  );
}
