import { ActionIcon, Alert, Badge, Button, Group, NativeSelect, Text, Tooltip } from "@mantine/core";
import { IconColumns2, IconGitBranch, IconRefresh } from "@tabler/icons-react";
import { useState } from "react";
import { answer } from "#/api/client";
import type { StatusView } from "#/api/schema";
import { type Place, WorktreeSelect } from "#/pages/files/place";
import { useRoom } from "#/room/room";
import { Confirm } from "#/ui/confirm";
import { plural } from "#/ui/format";
import { Branches } from "./branches";
import type { Comparison } from "./comparison";
import { GIT, useBranches } from "./queries";
import { FetchButton, PushDialog } from "./remote";
import { groupsOf, whereOf } from "./status";

interface Props {
  place: Place;
  status: StatusView;
  onDone: (status?: StatusView) => void;
}

/** Where the place is, and what leads elsewhere: branches, and the remote. */
export function Whereabouts({ place, status, onDone }: Props) {
  const { may } = useRoom();
  const [dialog, setDialog] = useState<"branches" | "push" | null>(null);
  const close = () => setDialog(null);
  const writes = may("git:write");
  return (
    <>
      <WorktreeSelect place={place} />
      <Button
        size="compact-xs"
        variant="default"
        leftSection={<IconGitBranch size={14} aria-hidden />}
        onClick={() => setDialog("branches")}
        disabled={!writes}
        maw={260}
      >
        {whereOf(status)}
      </Button>
      {status.ahead !== null && status.behind !== null && (
        <Tooltip label={`Compared with ${status.upstream}`}>
          <Badge variant="default" tt="none">
            {status.ahead === 0 && status.behind === 0 ? "up to date" : `${status.ahead} ahead, ${status.behind} behind`}
          </Badge>
        </Tooltip>
      )}
      {status.upstream !== null && status.ahead === null && (
        <Tooltip label="The branch that this one follows was deleted, or never fetched">
          <Badge variant="light" color="orange" tt="none">
            {status.upstream} is gone
          </Badge>
        </Tooltip>
      )}
      {writes && (
        <>
          <FetchButton place={place} onDone={onDone} />
          <Button
            size="compact-xs"
            variant="default"
            onClick={() => setDialog("push")}
            disabled={status.branch === null || status.commit === null}
          >
            Push
          </Button>
        </>
      )}
      {dialog === "branches" && <Branches place={place} status={status} onDone={onDone} onClose={close} />}
      {dialog === "push" && <PushDialog place={place} status={status} onDone={onDone} onClose={close} />}
    </>
  );
}

/** A merge that stopped at conflicts: what is to be done, and the way back. */
export function MergeNotice({ place, status, onDone }: Props) {
  const { api, may } = useRoom();
  if (!status.merging) return null;
  const { conflicts } = groupsOf(status);
  const abort = async () =>
    onDone(await answer(api.POST(`${GIT}/merge/abort`, { params: { path: place.path, query: place.query } })));
  return (
    <Alert color="orange" variant="light" py={6} radius={0} role="status">
      <Group gap="xs">
        <Text size="sm" flex={1} miw={220}>
          {conflicts.length > 0
            ? `A merge waits: ${plural(conflicts.length, "file")} in conflict. Open and edit each, check it as resolved, and commit.`
            : "A merge waits to be committed."}
        </Text>
        {may("git:write") && (
          <Confirm
            size="compact-xs"
            variant="default"
            color="gray"
            title="Abort the merge?"
            text="All goes back to what it was before the merge, and how conflicts were resolved is lost."
            act={abort}
          >
            Abort the merge
          </Confirm>
        )}
      </Group>
    </Alert>
  );
}

const SPECIAL = { all: "All that is not committed", staged: "What is staged", unstaged: "What is not staged" } as const;

/** What is compared with what, how it is drawn, and to read it again. */
export function ComparisonBar({
  place,
  comparison,
  split,
  onChoose,
  onSplit,
  onRefresh,
}: {
  place: Place;
  comparison: Comparison;
  split: boolean;
  onChoose: (address: Readonly<Record<string, string>>) => void;
  onSplit: () => void;
  onRefresh: () => void;
}) {
  const branches = useBranches(place);
  const names = branches.data?.items.map(({ name }) => name) ?? [];
  const known = "base" in comparison && !names.includes(comparison.base) ? [comparison.base, ...names] : names;
  const value = "base" in comparison ? `${comparison.kind} ${comparison.base}` : comparison.kind;
  const choose = (chosen: string) => {
    const [kind = "", base = ""] = chosen.split(" ", 2);
    onChoose(base === "" ? (kind === "all" ? {} : { compare: kind }) : { [kind]: base });
  };
  return (
    <Group gap={4} ml="auto" wrap="nowrap">
      <NativeSelect
        aria-label="What is compared"
        size="xs"
        maw={240}
        value={value}
        onChange={(event) => choose(event.currentTarget.value)}
      >
        {Object.entries(SPECIAL).map(([kind, label]) => (
          <option key={kind} value={kind}>
            {label}
          </option>
        ))}
        {comparison.kind === "turn" && <option value="turn">What a turn has changed</option>}
        {comparison.kind === "commit" && <option value="commit">A commit, {comparison.commit.slice(0, 8)}</option>}
        <optgroup label="Commits here since they left">
          {known.map((name) => (
            <option key={name} value={`fork ${name}`}>
              {name}
            </option>
          ))}
        </optgroup>
        <optgroup label="The files, compared with">
          {known.map((name) => (
            <option key={name} value={`base ${name}`}>
              {name}
            </option>
          ))}
        </optgroup>
      </NativeSelect>
      <Tooltip label="Side by side">
        <ActionIcon
          variant={split ? "light" : "subtle"}
          color={split ? "blue" : "gray"}
          size="sm"
          onClick={onSplit}
          aria-label="Side by side"
          aria-pressed={split}
          visibleFrom="md"
        >
          <IconColumns2 size={16} aria-hidden />
        </ActionIcon>
      </Tooltip>
      <Tooltip label="Read it again">
        <ActionIcon variant="subtle" color="gray" size="sm" onClick={onRefresh} aria-label="Read it again">
          <IconRefresh size={16} aria-hidden />
        </ActionIcon>
      </Tooltip>
    </Group>
  );
}
