import { Badge, Button, Group, Stack, Switch, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import type { AuditRecordView } from "#/api/schema";
import type { StreamState } from "#/live/stream";
import { download } from "#/ui/copy";
import { plural } from "#/ui/format";
import { EmptyState, ErrorState, LoadingState } from "#/ui/states";
import { FilterBar } from "./filters";
import { useFollowing } from "./follow";
import { RecordDialog } from "./record";
import { Rows } from "./rows";
import { type AuditSource, merged, NO_FILTERS } from "./source";

/** The outcomes that there are beside errors' codes; those come as they are seen. */
const OK = "ok";
const STATES: Readonly<Record<StreamState, string>> = {
  connecting: "Connecting…",
  live: "Live",
  reconnecting: "Reconnecting…",
  ended: "Ended",
};

/** An audit log: filtered, read page by page, followed while it grows, and taken along. `source` has to stay the same one. */
export function AuditTable({ source }: { source: AuditSource }) {
  const [filters, setFilters] = useState(NO_FILTERS);
  const [asked] = useDebouncedValue(filters, 300);
  const [follow, setFollow] = useState(false);
  const [opened, setOpened] = useState<AuditRecordView | null>(null);
  const query = useInfiniteQuery({
    queryKey: [...source.queryKey, asked],
    queryFn: ({ pageParam }) => source.page(asked, pageParam || undefined),
    initialPageParam: "",
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
  });
  const following = useFollowing(source, asked, follow && asked.until === "");
  const read = useMemo(() => query.data?.pages.flatMap(({ items }) => items) ?? [], [query.data]);
  const records = useMemo(() => merged(read, following.records), [read, following.records]);
  const seen = useSeen(records);
  return (
    <Stack gap="sm">
      <FilterBar value={filters} onChange={setFilters} seen={seen} />
      <Group gap="sm" justify="space-between">
        <Group gap="sm">
          <Switch
            size="xs"
            label="Follow"
            checked={follow}
            onChange={(event) => setFollow(event.currentTarget.checked)}
            disabled={asked.until !== ""}
          />
          {following.state && (
            <Badge size="sm" variant="light" tt="none" color={following.state === "live" ? "teal" : "orange"} role="status">
              {STATES[following.state]}
            </Badge>
          )}
        </Group>
        <Group gap="xs">
          <Text size="xs" c="dimmed" className="numbers">
            {plural(records.length, "record")}
          </Text>
          <Button size="compact-xs" variant="default" disabled={records.length === 0} onClick={() => exportLines(records)}>
            Export as JSON lines
          </Button>
        </Group>
      </Group>
      {query.isError && <ErrorState error={query.error} retry={() => void query.refetch()} />}
      {query.isPending && <LoadingState label="Reading the log" />}
      {records.length > 0 && <Rows records={records} open={setOpened} />}
      {query.isSuccess && records.length === 0 && !query.hasNextPage && (
        <EmptyState title="No records">
          {filters === NO_FILTERS
            ? "Whatever is done here, or refused, will be listed: who, with which credential, from where."
            : "Nothing that the log holds is like that. A filter has to be the whole word."}
        </EmptyState>
      )}
      {query.hasNextPage && (
        <Group justify="center">
          <Button size="xs" variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            Load older
          </Button>
        </Group>
      )}
      {opened && <RecordDialog record={opened} close={() => setOpened(null)} />}
    </Stack>
  );
}

function exportLines(records: readonly AuditRecordView[]): void {
  download("audit.jsonl", records.map((record) => `${JSON.stringify(record)}\n`).join(""), "application/jsonl");
}

/** The words of each kind that the records have. */
function useSeen(records: readonly AuditRecordView[]) {
  return useMemo(() => {
    const words = (pick: (record: AuditRecordView) => string, always: string[] = []) =>
      [...new Set([...always, ...records.map(pick)])].filter((word) => word !== "").sort();
    return {
      action: words(({ action }) => action),
      outcome: words(({ outcome }) => outcome, [OK]),
      actor: words(({ actor }) => actor),
    };
  }, [records]);
}
