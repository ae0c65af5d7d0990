import { Badge, Button, Checkbox, Group, Stack, Text, Textarea, UnstyledButton } from "@mantine/core";
import { useSessionStorage } from "@mantine/hooks";
import { useMutation } from "@tanstack/react-query";
import { memo, useCallback, useState } from "react";
import { answer } from "#/api/client";
import { messageOf } from "#/api/problem";
import type { StatusEntryView, StatusView } from "#/api/schema";
import { workKey } from "#/api/work";
import type { Place } from "#/pages/files/place";
import { MARKS, markOf } from "#/pages/files/tree";
import { useRoom } from "#/room/room";
import { ExposedName } from "#/ui/exposedText";
import { fieldError } from "#/ui/form";
import { plural } from "#/ui/format";
import { say } from "#/ui/notify";
import { EmptyState } from "#/ui/states";
import { GIT } from "./queries";
import { groupsOf, pathsOf } from "./status";

const TITLES = { conflicts: "In conflict", staged: "Staged", unstaged: "Changed", untracked: "Not tracked" } as const;
const GROUPS = ["conflicts", "staged", "unstaged", "untracked"] as const;

interface Props {
  place: Place;
  status: StatusView;
  /** The path whose changes are shown alone. */
  shown: string | null;
  /** It stays the same function. */
  onShow: (path: string | null) => void;
  onDone: () => void;
}

/** What differs from the last commit, and the commit that is made of it: what is checked, or what is staged. */
export function ChangeList({ place, status, shown, onShow, onDone }: Props) {
  const { may } = useRoom();
  const [out, setOut] = useState<ReadonlySet<string>>(new Set());
  const groups = groupsOf(status);
  const writes = may("git:write");
  // What is in conflict is left out until somebody says that it is resolved.
  const [resolved, setResolved] = useState<ReadonlySet<string>>(new Set());
  const isIn = (entry: StatusEntryView) => (entry.conflict ? resolved.has(entry.path) : !out.has(entry.path));
  const include = useCallback((entries: readonly StatusEntryView[], included: boolean) => {
    const [conflicts, plain] = [entries.filter(({ conflict }) => conflict), entries.filter(({ conflict }) => !conflict)];
    setOut((now) => changed(now, plain, !included));
    setResolved((now) => changed(now, conflicts, included));
  }, []);
  if (status.entries.length === 0 && !status.merging)
    return status.commit === null ? (
      <EmptyState title="Nothing to commit yet">The first file that is made here begins the list.</EmptyState>
    ) : (
      <EmptyState title="No changes">All that is here is committed.</EmptyState>
    );
  return (
    <>
      <div className="changes-list">
        {GROUPS.filter((group) => groups[group].length > 0).map((group) => (
          <section key={group} aria-label={TITLES[group]}>
            <Group gap={6} px={8} pt={8} pb={2} wrap="nowrap">
              {writes && (
                <Checkbox
                  size="xs"
                  checked={groups[group].every(isIn)}
                  indeterminate={groups[group].some(isIn) && !groups[group].every(isIn)}
                  onChange={(event) => include(groups[group], event.currentTarget.checked)}
                  aria-label={`All: ${TITLES[group]}`}
                />
              )}
              <Text size="xs" fw={600} component="h2" m={0}>
                {TITLES[group]}
              </Text>
              <Badge size="xs" variant="default">
                {groups[group].length}
              </Badge>
            </Group>
            {groups[group].map((entry) => (
              <Change
                key={entry.path}
                entry={entry}
                checked={writes ? isIn(entry) : null}
                current={entry.path === shown}
                onCheck={include}
                onShow={onShow}
              />
            ))}
          </section>
        ))}
        {status.truncated && (
          <Text size="xs" c="dimmed" p={8}>
            There are more than {status.entries.length}. A commit of all takes them too.
          </Text>
        )}
      </div>
      {writes && <CommitForm place={place} status={status} checked={status.entries.filter(isIn)} onDone={onDone} />}
    </>
  );
}

/** `paths` with those of `entries`, or without them. */
function changed(paths: ReadonlySet<string>, entries: readonly StatusEntryView[], within: boolean): ReadonlySet<string> {
  const next = new Set(paths);
  for (const { path } of entries) within ? next.add(path) : next.delete(path);
  return next;
}

interface ChangeProps {
  entry: StatusEntryView;
  /** Null where nothing can be committed. */
  checked: boolean | null;
  current: boolean;
  onCheck: (entries: readonly StatusEntryView[], checked: boolean) => void;
  onShow: (path: string | null) => void;
}

/** A path of the list. It is made anew only when it changes itself: there may be thousands. */
const Change = memo(function Change({ entry, checked, current, onCheck, onShow }: ChangeProps) {
  const mark = markOf(entry);
  // A folder that is a repository of its own ends with a slash.
  const name = /[^/]*\/?$/.exec(entry.path)?.[0] ?? entry.path;
  const folder = entry.path.slice(0, -name.length - 1);
  return (
    <div className="change" data-current={current || undefined}>
      {checked !== null && (
        <Checkbox
          size="xs"
          checked={checked}
          onChange={(event) => onCheck([entry], event.currentTarget.checked)}
          aria-label={`Commit ${entry.path}`}
        />
      )}
      <UnstyledButton
        className="change-name"
        onClick={() => onShow(current ? null : entry.path)}
        aria-pressed={current}
        title={entry.path}
      >
        <ExposedName name={name} />
        <Text span size="xs" c="dimmed" ml={6}>
          <ExposedName name={entry.original === null ? folder : `from ${entry.original}`} />
        </Text>
      </UnstyledButton>
      <span className="tree-mark" role="img" aria-label={MARKS[mark].label} style={{ color: MARKS[mark].colour }}>
        {mark}
      </span>
    </div>
  );
});

function CommitForm({
  place,
  status,
  checked,
  onDone,
}: {
  place: Place;
  status: StatusView;
  checked: readonly StatusEntryView[];
  onDone: () => void;
}) {
  const { api } = useRoom();
  const [message, setMessage] = useSessionStorage({
    key: workKey(`message.${place.sessionId}.${place.worktreeId ?? ""}`),
    defaultValue: "",
    getInitialValueInEffect: false,
  });
  const [staged, setStaged] = useState(false);
  const { conflicts, staged: inIndex } = groupsOf(status);
  const onlyStaged = staged && inIndex.length > 0;
  const whole = checked.length === status.entries.length && conflicts.length === 0;
  const act = useMutation({
    mutationFn: () =>
      answer(
        api.POST(`${GIT}/commit`, {
          params: { path: place.path, query: place.query },
          body: {
            message,
            all: !onlyStaged && whole,
            paths: onlyStaged || whole || checked.length === 0 ? null : pathsOf(checked),
            author: null,
          },
        }),
      ),
    onSuccess: ({ commit, subject }) => {
      setMessage("");
      say(`Committed ${commit.slice(0, 8)}: ${subject}`);
      onDone();
    },
  });
  const count = onlyStaged ? inIndex.length : checked.length;
  // A merge that changed nothing by hand has nothing to check, and is committed all the same.
  const possible = message.trim() !== "" && (count > 0 || status.merging);
  const submit = () => possible && !act.isPending && act.mutate();
  return (
    <Stack
      component="form"
      gap={6}
      p={8}
      className="commit"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Textarea
        aria-label="Message of the commit"
        placeholder="Message (Ctrl Enter commits)"
        size="xs"
        autosize
        minRows={2}
        maxRows={10}
        value={message}
        onChange={(event) => setMessage(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit();
        }}
        error={fieldError(act.error, "/message") ?? (act.isError && messageOf(act.error))}
        maxLength={65_536}
      />
      {inIndex.length > 0 && !status.merging && (
        <Checkbox
          size="xs"
          label="Only what is staged, as it was staged"
          checked={staged}
          onChange={(event) => setStaged(event.currentTarget.checked)}
        />
      )}
      <Button type="submit" size="xs" loading={act.isPending} disabled={!possible}>
        {status.merging ? "Commit the merge" : `Commit ${plural(count, "file")}`}
      </Button>
    </Stack>
  );
}
