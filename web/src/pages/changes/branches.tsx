import { Badge, Button, Divider, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { answer } from "#/api/client";
import { ApiError, messageOf } from "#/api/problem";
import type { BranchView, StatusView } from "#/api/schema";
import type { Place } from "#/pages/files/place";
import { useRoom } from "#/room/room";
import { fieldError } from "#/ui/form";
import { say } from "#/ui/notify";
import { Row, Rows } from "#/ui/rows";
import { EmptyState, Shown } from "#/ui/states";
import { GIT, useBranches } from "./queries";
import { whereOf } from "./status";

interface Props {
  place: Place;
  status: StatusView;
  onDone: (status?: StatusView) => void;
  onClose: () => void;
}

const OUTCOMES = {
  up_to_date: "It is merged already",
  fast_forward: "Moved forward to it",
  merged: "Merged",
  conflict: "The merge waits",
} as const;

/** Check out a branch, make one, or merge one into the present one. */
export function Branches({ place, status, onDone, onClose }: Props) {
  const { api } = useRoom();
  const branches = useBranches(place);
  const [filter, setFilter] = useState("");
  const params = { path: place.path, query: place.query };
  const change = useMutation({
    mutationFn: (body: { branch: string; start: string | null }) => answer(api.POST(`${GIT}/switch`, { params, body })),
    onSuccess: (now) => {
      say(`Now on ${whereOf(now)}`);
      onDone(now);
      onClose();
    },
  });
  const merge = useMutation({
    mutationFn: (ref: string) =>
      answer(api.POST(`${GIT}/merge`, { params, body: { ref, message: null, fastForward: null, author: null } })),
    onSuccess: ({ outcome }) => {
      say(OUTCOMES[outcome]);
      onClose();
    },
    // At a conflict the merge waits: the page says so, and shows where.
    onError: (error) => isConflict(error) && onClose(),
    onSettled: () => onDone(),
  });
  const error = merge.error ?? (fieldError(change.error, "/branch") === null ? change.error : null);
  const wanted = filter.trim().toLowerCase();
  return (
    <Modal opened onClose={onClose} title="Branches" size="lg">
      <Stack gap="sm">
        <NewBranch status={status} busy={change.isPending} error={change.error} onMake={change.mutate} />
        <Divider />
        {error !== null && (
          <Text size="sm" c="var(--mantine-color-error)" role="alert">
            {messageOf(error)}
          </Text>
        )}
        <Shown query={branches} label="Reading the branches">
          {({ items, truncated }) => {
            const found = items.filter(({ name }) => name.toLowerCase().includes(wanted));
            return (
              <>
                {items.length > 8 && (
                  <TextInput
                    aria-label="Filter branches"
                    placeholder="Filter by name"
                    value={filter}
                    onChange={(event) => setFilter(event.currentTarget.value)}
                  />
                )}
                {found.length === 0 && <EmptyState title="No such branch" />}
                <Rows label="Branches">
                  {found.map((branch) => (
                    <Branch
                      key={`${branch.remote} ${branch.name}`}
                      branch={branch}
                      busy={change.isPending || merge.isPending}
                      onSwitch={() => change.mutate({ branch: localName(branch), start: null })}
                      onMerge={() => merge.mutate(branch.name)}
                    />
                  ))}
                </Rows>
                {truncated && (
                  <Text size="xs" c="dimmed">
                    There are more branches than are shown.
                  </Text>
                )}
              </>
            );
          }}
        </Shown>
      </Stack>
    </Modal>
  );
}

/** Whether a merge has stopped at conflicts, rather than not begun. */
function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.errors.some(({ path }) => typeof path === "string");
}

/** A remote's branch is checked out as a local one of its name, which follows it. */
function localName({ name, remote }: BranchView): string {
  return remote ? name.slice(name.indexOf("/") + 1) : name;
}

function Branch({
  branch,
  busy,
  onSwitch,
  onMerge,
}: {
  branch: BranchView;
  busy: boolean;
  onSwitch: () => void;
  onMerge: () => void;
}) {
  return (
    <Row
      title={<code>{branch.name}</code>}
      meta={branch.subject}
      actions={
        branch.current ? (
          <Badge variant="light">Here</Badge>
        ) : (
          <>
            <Button size="compact-xs" variant="default" disabled={busy} onClick={onMerge} aria-label={`Merge ${branch.name}`}>
              Merge
            </Button>
            <Button
              size="compact-xs"
              variant="light"
              disabled={busy}
              onClick={onSwitch}
              aria-label={`Switch to ${branch.name}`}
            >
              Switch
            </Button>
          </>
        )
      }
    />
  );
}

function NewBranch({
  status,
  busy,
  error,
  onMake,
}: {
  status: StatusView;
  busy: boolean;
  error: unknown;
  onMake: (branch: { branch: string; start: string }) => void;
}) {
  const [name, setName] = useState("");
  const [start, setStart] = useState("HEAD");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onMake({ branch: name, start });
  };
  return (
    <form onSubmit={submit}>
      <Group gap="xs" align="flex-end" wrap="wrap">
        <TextInput
          label="New branch"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={fieldError(error, "/branch")}
          spellCheck={false}
          required
          flex={2}
          miw={140}
        />
        <TextInput
          label="From"
          value={start}
          onChange={(event) => setStart(event.currentTarget.value)}
          error={fieldError(error, "/start")}
          spellCheck={false}
          required
          flex={1}
          miw={100}
        />
        <Button type="submit" loading={busy} disabled={status.commit === null}>
          Make
        </Button>
      </Group>
    </form>
  );
}
