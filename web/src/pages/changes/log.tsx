import { Button, Text, UnstyledButton } from "@mantine/core";
import type { CommitView } from "#/api/schema";
import type { Place } from "#/pages/files/place";
import { Copy } from "#/ui/copy";
import { EmptyState, Shown } from "#/ui/states";
import { Ago } from "#/ui/time";
import { useLog } from "./queries";

/** The commits of the head, newest first. */
export function History({
  place,
  shown,
  onShow,
}: {
  place: Place;
  shown: string | null;
  onShow: (commit: CommitView) => void;
}) {
  const log = useLog(place);
  return (
    <div className="changes-list">
      <Shown query={log} label="Reading the history">
        {({ pages }) => {
          const commits = pages.flatMap(({ items }) => items);
          if (commits.length === 0) return <EmptyState title="No commit yet">The first one begins the history.</EmptyState>;
          return commits.map((commit) => (
            <div key={commit.commit} className="change commit-row" data-current={commit.commit === shown || undefined}>
              <UnstyledButton
                className="change-name"
                onClick={() => onShow(commit)}
                aria-pressed={commit.commit === shown}
                title={commit.body === "" ? commit.subject : `${commit.subject}\n\n${commit.body}`}
              >
                <span>{commit.subject || "(no message)"}</span>
                <Text size="xs" c="dimmed" component="div" truncate>
                  {commit.authorName}, <Ago at={commit.authoredAt} />
                  {commit.parents.length > 1 && ", a merge"}
                </Text>
              </UnstyledButton>
              <code className="numbers">{commit.commit.slice(0, 8)}</code>
              <Copy value={commit.commit} label="the commit's hash" />
            </div>
          ));
        }}
      </Shown>
      {log.hasNextPage && (
        <Button m={8} size="xs" variant="default" loading={log.isFetchingNextPage} onClick={() => void log.fetchNextPage()}>
          Older commits
        </Button>
      )}
    </div>
  );
}
