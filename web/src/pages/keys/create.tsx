import { MultiSelect, Radio, SegmentedControl, Stack, Text, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Once } from "#/api/once";
import type { NewKeyView, NewOrganisationKey } from "#/api/schema";
import { FormDialog, fieldError } from "#/ui/form";
import { type Expiry, ExpiryField, endOf, NINETY_DAYS } from "./expiry";
import type { Keyring } from "./keyring";
import { RANKS, type Right, rightsOf } from "./rights";
import { Scopes } from "./scopes";

/** A workspace that an organisation's key can be bound to. */
export interface Bindable {
  workspaceId: string;
  name: string;
}

interface Props {
  keyring: Keyring;
  /** Of the organisation whose keys they are. */
  workspaces: readonly Bindable[];
  made: (key: NewKeyView) => void;
  close: () => void;
}

interface Draft {
  name: string;
  by: string;
  rank: string;
  scopes: Right[];
  expiry: Expiry;
  workspaces: string[];
}

const EMPTY: Draft = { name: "", by: "rank", rank: "member", scopes: [], expiry: NINETY_DAYS, workspaces: [] };
const BOUND_MAX = 100;

/** What the API is asked for. */
export function bodyOf(draft: Draft, offered: readonly Right[], now: number): NewOrganisationKey {
  const ranked = RANKS.find(({ rank }) => rank === draft.rank);
  return {
    name: draft.name.trim(),
    rank: draft.by === "rank" && ranked ? ranked.rank : null,
    // Binding takes rights away that had been chosen before.
    scopes: draft.by === "rank" ? null : draft.scopes.filter((scope) => offered.includes(scope)),
    expiresAt: endOf(draft.expiry, now),
    workspaces: draft.workspaces.length > 0 ? draft.workspaces : null,
  };
}

/** The form of a new key. */
export function CreateKey({ keyring, workspaces, made, close }: Props) {
  const [once] = useState(() => new Once());
  // A try that is repeated asks for the same end, else it would be another request.
  const [opened] = useState(Date.now);
  const [draft, setDraft] = useState(EMPTY);
  const change = (part: Partial<Draft>) => setDraft({ ...draft, ...part });
  const offered = rightsOf(keyring.kind, draft.workspaces.length > 0);
  const creation = useMutation({
    mutationFn: () => {
      const body = bodyOf(draft, offered, opened);
      return keyring.create(body, once.key(body));
    },
    onSuccess: made,
  });
  return (
    <FormDialog
      title="New key"
      action="Make the key"
      size="lg"
      busy={creation.isPending}
      error={creation.error}
      fields={["/name", "/scopes", "/workspaces", "/expiresAt"]}
      onSubmit={creation.mutate}
      onClose={close}
    >
      <TextInput
        label="Name"
        description="Who or what uses it, like “CI” or “laptop”."
        value={draft.name}
        onChange={(event) => change({ name: event.currentTarget.value })}
        error={fieldError(creation.error, "/name")}
        required
        maxLength={100}
        data-autofocus
        autoComplete="off"
      />
      <Stack gap="xs">
        <SegmentedControl
          aria-label="How its rights are chosen"
          data={[
            { value: "rank", label: "By rank" },
            { value: "scopes", label: "Right by right" },
          ]}
          value={draft.by}
          onChange={(by) => change({ by })}
        />
        {draft.by === "rank" ? (
          <Radio.Group aria-label="Rank" value={draft.rank} onChange={(rank) => change({ rank })}>
            <Stack gap="xs">
              {RANKS.map(({ rank, text }) => (
                <Radio key={rank} value={rank} label={rank} description={text[keyring.kind]} size="sm" />
              ))}
            </Stack>
          </Radio.Group>
        ) : (
          <Scopes
            offered={offered}
            chosen={draft.scopes.filter((scope) => offered.includes(scope))}
            onChange={(scopes) => change({ scopes })}
            error={fieldError(creation.error, "/scopes")}
          />
        )}
      </Stack>
      {keyring.kind === "organisation" && (
        <MultiSelect
          label="Only for these workspaces"
          description="None chosen: all that the organisation has and will have. A key that is bound makes no keys and no workspaces."
          data={workspaces.map(({ workspaceId, name }) => ({
            value: workspaceId,
            label: `${name} (${workspaceId.slice(0, 9)}…)`,
          }))}
          value={draft.workspaces}
          onChange={(chosen) => change({ workspaces: chosen })}
          maxValues={BOUND_MAX}
          error={fieldError(creation.error, "/workspaces")}
          searchable
          clearable
          comboboxProps={{ withinPortal: true }}
        />
      )}
      <ExpiryField
        value={draft.expiry}
        onChange={(expiry) => change({ expiry })}
        error={fieldError(creation.error, "/expiresAt")}
      />
      <Text size="xs" c="dimmed">
        The key is shown once, when it is made.
      </Text>
    </FormDialog>
  );
}
