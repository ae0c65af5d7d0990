import { Alert, Button, Group, Stack, Switch } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useMemo, useState } from "react";
import { everything } from "#/api/client";
import type { KeyView, NewKeyView } from "#/api/schema";
import { type Command, useCommands } from "#/shell/commands";
import { Reveal } from "#/ui/copy";
import { say } from "#/ui/notify";
import { EmptyState, Shown } from "#/ui/states";
import { type Bindable, CreateKey } from "./create";
import { EditKey } from "./edit";
import type { Keyring } from "./keyring";
import { RotateKey } from "./rotate";
import { type Deeds, KeyRows } from "./rows";

interface Props {
  keyring: Keyring;
  /** Whether the person may make and change keys here. */
  writes: boolean;
  /** For an organisation: those that a key can be bound to. */
  workspaces?: readonly Bindable[];
  /** What is shown below the list. It gets the key that was just made, for as long as that is revealed. */
  below?: (revealed: NewKeyView | null) => ReactNode;
}

type Dialog = { what: "create" } | { what: "edit" | "rotate"; view: KeyView };

const NONE: readonly Bindable[] = [];

/** The keys of a workspace, of an organisation or of the host: made, shown once, changed, replaced, revoked. */
export function KeysPanel({ keyring, writes, workspaces = NONE, below }: Props) {
  const queries = useQueryClient();
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const [revealed, setRevealed] = useState<NewKeyView | null>(null);
  const query = useQuery({ queryKey: keyring.queryKey, queryFn: () => everything(keyring.list) });
  const offered = useMemo<Command[]>(
    () => (writes ? [{ id: "new-key", group: "Keys", label: "New key", run: () => setDialog({ what: "create" }) }] : []),
    [writes],
  );
  useCommands(offered);

  const refresh = () => queries.invalidateQueries({ queryKey: keyring.queryKey });
  const close = () => setDialog(null);
  const made = (key: NewKeyView) => {
    setRevealed(key);
    close();
    void refresh();
  };
  const deeds: Deeds = {
    edit: (view) => setDialog({ what: "edit", view }),
    rotate: (view) => setDialog({ what: "rotate", view }),
    revoke: async (view) => {
      await keyring.revoke(view.keyId);
      // A key that is good no more is not to be tried out, or copied by mistake.
      if (revealed?.keyId === view.keyId) setRevealed(null);
      await refresh();
    },
  };
  const changed = () => {
    close();
    say("The key was changed");
    void refresh();
  };
  const create = writes && (
    <Button size="xs" onClick={() => setDialog({ what: "create" })}>
      New key
    </Button>
  );
  return (
    <Stack gap="md">
      {revealed && <Revealed view={revealed} dismiss={() => setRevealed(null)} />}
      <Shown query={query} label="Looking for keys">
        {(keys) => <List keys={keys} deeds={writes ? deeds : null} create={create} />}
      </Shown>
      {below?.(revealed)}
      {dialog?.what === "create" && <CreateKey keyring={keyring} workspaces={workspaces} made={made} close={close} />}
      {dialog?.what === "edit" && <EditKey keyring={keyring} keyId={dialog.view.keyId} done={changed} close={close} />}
      {dialog?.what === "rotate" && <RotateKey keyring={keyring} view={dialog.view} made={made} close={close} />}
    </Stack>
  );
}

function List({ keys, deeds, create }: { keys: readonly KeyView[]; deeds: Deeds | null; create: ReactNode }) {
  const [all, setAll] = useState(false);
  const live = keys.filter((key) => key.status === "live");
  const shown = all ? keys : live;
  const ended = keys.length - live.length;
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        {ended > 0 ? (
          <Switch
            size="xs"
            label={`Show revoked and expired (${ended})`}
            checked={all}
            onChange={(event) => setAll(event.currentTarget.checked)}
          />
        ) : (
          <span />
        )}
        {shown.length > 0 && create}
      </Group>
      {shown.length > 0 ? (
        <KeyRows keys={shown} deeds={deeds} />
      ) : (
        <EmptyState title="No key is in use" action={create}>
          A key lets a program in, such as an agent on another machine or a job of your CI. It can be limited, replaced and
          revoked without anybody else noticing.
        </EmptyState>
      )}
    </Stack>
  );
}

function Revealed({ view, dismiss }: { view: NewKeyView; dismiss: () => void }) {
  return (
    <Alert color="teal" variant="light" title="The key was made">
      <Reveal label={`Key “${view.name}”`} value={view.key} file="hostel-key.txt" />
      <Button size="xs" variant="subtle" mt="xs" onClick={dismiss}>
        I have kept it
      </Button>
    </Alert>
  );
}
