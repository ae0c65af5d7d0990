import "../files/files.css";
import "./changes.css";
import { Button, SegmentedControl } from "@mantine/core";
import { useLocalStorage, useMediaQuery } from "@mantine/hooks";
import { useCallback, useMemo, useState } from "react";
import { useSearchParams } from "wouter";
import { answer } from "#/api/client";
import { ApiError } from "#/api/problem";
import type { StatusView } from "#/api/schema";
import { type Place, useAddress, usePlace } from "#/pages/files/place";
import { markOf } from "#/pages/files/tree";
import { useRoom } from "#/room/room";
import { type Command, useCommands } from "#/shell/commands";
import { Confirm } from "#/ui/confirm";
import { ExposedName } from "#/ui/exposedText";
import { EmptyState, Shown } from "#/ui/states";
import { ComparisonBar, MergeNotice, Whereabouts } from "./bar";
import { addressOf, type Comparison, comparisonOf, PLAIN } from "./comparison";
import { Difference } from "./difference";
import { ChangeList } from "./list";
import { History } from "./log";
import { OpenFile } from "./open-file";
import { GIT, useDiff, useGitRefresh, useStatus } from "./queries";
import { groupsOf, pathsOf } from "./status";
import { Untracked } from "./untracked";

const NOTHING: Readonly<Record<Comparison["kind"], string>> = {
  all: "No changes",
  staged: "Nothing is staged",
  unstaged: "Nothing has changed since it was staged",
  fork: "No commits since",
  base: "No differences",
  commit: "The commit changes no files",
  turn: "The turn has changed no files",
};

/** What has changed in a session's clone or worktree, and what is done about it. */
export default function Changes({ sessionId }: { sessionId: string }) {
  const place = usePlace(sessionId);
  const status = useStatus(place);
  return (
    <Shown query={status} label="Asking git">
      {(found) => <Repository key={place.worktreeId} place={place} status={found} />}
    </Shown>
  );
}

function Repository({ place, status }: { place: Place; status: StatusView }) {
  const refresh = useGitRefresh(place);
  const [search] = useSearchParams();
  const go = useAddress();
  const [split, setSplit] = useLocalStorage({ key: "hostel.split", defaultValue: false, getInitialValueInEffect: false });
  const wide = useMediaQuery("(min-width: 62em)", true);
  const [side, setSide] = useState(search.has("commit") ? "history" : "changes");
  const comparison = comparisonOf(search, status);
  const show = useCallback((shown: string | null) => go({ ...PLAIN, path: shown }), [go]);
  const path = search.get("path") ?? (comparison.kind === "all" ? onlyUntracked(status) : null);
  useCommands(
    useMemo<Command[]>(
      () => [
        { id: "git-split", group: "Changes", label: "Side by side or below each other", run: () => setSplit((now) => !now) },
        { id: "git-refresh", group: "Changes", label: "Read the changes again", run: () => refresh() },
      ],
      [setSplit, refresh],
    ),
  );
  return (
    <div className="changes">
      <div className="files-bar">
        <Whereabouts place={place} status={status} onDone={refresh} />
        <ComparisonBar
          place={place}
          comparison={comparison}
          split={split}
          onChoose={(address) => go({ ...PLAIN, ...address })}
          onSplit={() => setSplit(!split)}
          onRefresh={() => refresh()}
        />
      </div>
      <MergeNotice place={place} status={status} onDone={refresh} />
      <div className="changes-body">
        <aside className="changes-side" aria-label="Changes and history">
          <SegmentedControl
            size="xs"
            m={8}
            value={side}
            onChange={setSide}
            aria-label="What is listed"
            data={[
              { value: "changes", label: "Changes" },
              { value: "history", label: "History" },
            ]}
          />
          {side === "changes" ? (
            <ChangeList place={place} status={status} shown={path} onShow={show} onDone={() => refresh()} />
          ) : (
            <History place={place} shown={search.get("commit")} onShow={(commit) => go(addressOf(commit))} />
          )}
        </aside>
        <section className="changes-diff" aria-label="Differences">
          <Differences
            place={place}
            status={status}
            comparison={comparison}
            path={path}
            split={split && wide}
            onAll={() => go({ path: null })}
            onDone={refresh}
          />
        </section>
      </div>
    </div>
  );
}

/** Where git knows none of the files that are listed there is no difference to show: the first of them is shown instead. */
function onlyUntracked({ entries }: StatusView): string | null {
  const [first] = entries;
  return first !== undefined && entries.every(({ staged }) => staged === "?") ? first.path : null;
}

function Differences({
  place,
  status,
  comparison,
  path,
  split,
  onAll,
  onDone,
}: {
  place: Place;
  status: StatusView;
  comparison: Comparison;
  path: string | null;
  split: boolean;
  onAll: () => void;
  onDone: (status: StatusView) => void;
}) {
  const { may } = useRoom();
  const whole = useDiff(place, comparison);
  const cut = path !== null && (whole.data?.truncated ?? false);
  const one = useDiff(place, comparison, path ?? "", cut);
  const untracked = groupsOf(status).untracked.some((entry) => entry.path === path);
  if (path !== null && untracked) return <Untracked key={path} place={place} path={path} split={split} />;
  if (comparison.kind === "turn" && whole.error instanceof ApiError && whole.error.status === 409)
    return (
      <EmptyState title="It is not known what this turn has changed">
        Only of a session's last turns is it kept what the files were, and only where not too many of them differ.
      </EmptyState>
    );
  const marks = new Map(status.entries.map((entry) => [entry.path, markOf(entry)]));
  return (
    <>
      {path !== null && (
        <Button size="compact-xs" variant="subtle" m={6} onClick={onAll}>
          Show all files
        </Button>
      )}
      <Shown query={cut ? one : whole} label="Comparing">
        {(diff) => (
          <Difference
            key={path}
            diff={diff}
            split={split}
            only={path}
            nothing={NOTHING[comparison.kind]}
            actions={(file) =>
              comparison.kind === "all" &&
              marks.has(file) && (
                <>
                  {marks.get(file) !== "D" && <OpenFile place={place} path={file} />}
                  {may("git:write") && <Restore place={place} status={status} path={file} onDone={onDone} />}
                </>
              )
            }
          />
        )}
      </Shown>
    </>
  );
}

/** Throw away what has changed in a file. */
function Restore({
  place,
  status,
  path,
  onDone,
}: {
  place: Place;
  status: StatusView;
  path: string;
  onDone: (status: StatusView) => void;
}) {
  const { api } = useRoom();
  const restore = async () => {
    const paths = pathsOf(status.entries.filter((entry) => entry.path === path));
    const params = { path: place.path, query: place.query };
    onDone(await answer(api.POST(`${GIT}/restore`, { params, body: { paths, files: true, staged: true } })));
  };
  return (
    <Confirm
      size="compact-xs"
      variant="subtle"
      color="gray"
      title="Throw the changes away?"
      text={
        <>
          <code>
            <ExposedName name={path} />
          </code>{" "}
          goes back to what it is in the last commit. There is no way back.
        </>
      }
      act={restore}
    >
      Restore
    </Confirm>
  );
}
