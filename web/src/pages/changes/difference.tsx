import { Badge, Box, Button, Group, Text, UnstyledButton } from "@mantine/core";
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import { type ReactNode, useMemo, useState } from "react";
import type { DiffFileView, DiffView } from "#/api/schema";
import { type FilePatch, parsePatch } from "#/diff/patch";
import { Hunks } from "#/diff/view";
import { ExposedName } from "#/ui/exposedText";
import { plural } from "#/ui/format";
import { EmptyState } from "#/ui/states";

/** Lines of one file that are shown without being asked for. */
const SHOWN_LINES = 1500;
/** Lines of all files that are open at first. Those that are not shown do not count. */
const OPEN_LINES = 6000;
/** Files that are shown at first, and with each step to more of them. */
const STEP = 100;

/** A file of a difference; `patch` is missing where the patch was cut before it. */
interface Entry {
  file: DiffFileView;
  patch: FilePatch | undefined;
  /** How many lines its patch has. */
  lines: number;
}

/** The numbers of each file with its patch. */
export function entriesOf(diff: DiffView): Entry[] {
  const patches = new Map(parsePatch(diff.patch).map((patch) => [patch.path, patch]));
  return diff.files.map((file) => {
    const patch = patches.get(file.path);
    return { file, patch, lines: patch?.hunks.reduce((sum, hunk) => sum + hunk.lines.length, 0) ?? 0 };
  });
}

/** A difference of many files, each below its name. `only` shows one of them. `actions` makes what can be done with a file. */
export function Difference({
  diff,
  split,
  only = null,
  nothing,
  actions,
}: {
  diff: DiffView;
  split: boolean;
  only?: string | null;
  nothing: string;
  actions?: (path: string) => ReactNode;
}) {
  const entries = useMemo(() => entriesOf(diff), [diff]);
  const [most, setMost] = useState(STEP);
  const wanted = only === null ? entries : entries.filter(({ file }) => file.path === only);
  const shown = wanted.slice(0, most);
  if (shown.length === 0) return <EmptyState title={nothing} />;
  let lines = 0;
  return (
    <>
      {shown.map((entry) => {
        if (entry.lines <= SHOWN_LINES) lines += entry.lines;
        return (
          <OneFile
            key={entry.file.path}
            entry={entry}
            split={split}
            initially={only !== null || lines <= OPEN_LINES}
            actions={actions?.(entry.file.path)}
          />
        );
      })}
      {wanted.length > most && (
        <Button size="xs" variant="default" m="sm" onClick={() => setMost(most + STEP)}>
          Show more of {plural(wanted.length, "file")}
        </Button>
      )}
      {diff.truncated && (
        <Text size="sm" c="dimmed" p="sm" role="status">
          {only === null
            ? "There is more than can be shown at once. Choose a file to see all of its changes."
            : "There is more than can be shown. Use git diff in a terminal to read all of it."}
        </Text>
      )}
    </>
  );
}

function OneFile({
  entry,
  split,
  initially,
  actions,
}: {
  entry: Entry;
  split: boolean;
  initially: boolean;
  actions: ReactNode;
}) {
  const { file, patch, lines } = entry;
  const [open, setOpen] = useState(initially);
  const [all, setAll] = useState(false);
  const Chevron = open ? IconChevronDown : IconChevronRight;
  return (
    <Box component="article" className="changed-file" aria-label={file.path}>
      <Group className="changed-head" gap="xs" wrap="nowrap">
        <UnstyledButton className="changed-name" onClick={() => setOpen(!open)} aria-expanded={open} title={file.path}>
          <Chevron size={14} aria-hidden />
          <span className="changed-path">
            {file.original !== null && file.original !== file.path && (
              <>
                <ExposedName name={file.original} /> →{" "}
              </>
            )}
            <ExposedName name={file.path} />
          </span>
        </UnstyledButton>
        {patch && patch.change !== "modified" && (
          <Badge size="xs" variant="light" color="gray">
            {patch.change}
          </Badge>
        )}
        <Numbers file={file} />
        {actions}
      </Group>
      {open &&
        (lines > SHOWN_LINES && !all ? (
          <Group p="sm" gap="sm">
            <Text size="sm" c="dimmed">
              {plural(lines, "line")} are not shown.
            </Text>
            <Button size="xs" variant="default" onClick={() => setAll(true)}>
              Show
            </Button>
          </Group>
        ) : (
          <Content file={file} patch={patch} split={split} />
        ))}
    </Box>
  );
}

/** How many lines were added and removed. */
export function Numbers({ file }: { file: DiffFileView }) {
  if (file.added === null || file.removed === null)
    return (
      <Text size="xs" c="dimmed">
        binary
      </Text>
    );
  return (
    <Text size="xs" className="numbers" component="span" style={{ whiteSpace: "nowrap" }}>
      <Text span inherit c="var(--added-text)">
        +{file.added}
      </Text>{" "}
      <Text span inherit c="var(--removed-text)">
        −{file.removed}
      </Text>
    </Text>
  );
}

function Content({ file, patch, split }: { file: DiffFileView; patch: FilePatch | undefined; split: boolean }) {
  const said = patch === undefined ? "Its changes are too long to be shown with the others." : noteOf(file, patch);
  return (
    <>
      {said !== null && (
        <Text size="sm" c="dimmed" px="sm" py={6}>
          {said}
        </Text>
      )}
      {patch && patch.hunks.length > 0 && <Hunks hunks={patch.hunks} label={`Changes of ${file.path}`} split={split} />}
    </>
  );
}

/** What a patch says beside its lines. */
function noteOf(file: DiffFileView, { binary, oldMode, newMode, hunks, change, original }: FilePatch): string | null {
  if (oldMode !== null && newMode !== null) return `Its mode has changed from ${oldMode} to ${newMode}.`;
  if (binary || file.added === null) return "It is binary: its content is not compared.";
  if (hunks.length > 0) return null;
  if (original !== null) return "Its content is the same.";
  return change === "modified" ? "Its lines are not shown." : "It is empty.";
}
