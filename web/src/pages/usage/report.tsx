import { Alert, Anchor, Group, NativeSelect, SegmentedControl, Stack, Table, Text } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Link } from "wouter";
import { answer } from "#/api/client";
import type { UsageReport } from "#/api/schema";
import { useLive } from "#/live/room";
import { roomKey } from "#/room/key";
import { useRoom } from "#/room/room";
import { count, dollars, plural } from "#/ui/format";
import { EmptyState, Shown } from "#/ui/states";
import { useNow } from "#/ui/time";
import { Bars } from "./chart";
import { daily, type Grouping, type Range, ranges, type Sum, sums, UNNAMED } from "./sums";

const GROUPINGS: readonly { value: Grouping; label: string }[] = [
  { value: "day", label: "Day" },
  { value: "agent", label: "Agent" },
  { value: "model", label: "Model" },
  { value: "sessionId", label: "Session" },
];
const HOUR = 3600;

/** What agents have used up in a range of days. */
export function Report() {
  const { workspaceId, api } = useRoom();
  const [name, setName] = useState("This month");
  const [by, setBy] = useState<Grouping>("day");
  const choices = ranges(useNow(HOUR));
  const range = choices[name];
  const query = useQuery({
    queryKey: roomKey(workspaceId, "usage", range),
    queryFn: () =>
      answer(api.GET("/api/workspaces/{workspaceId}/usage", { params: { path: { workspaceId }, query: { ...range } } })),
    placeholderData: keepPreviousData,
    refetchInterval: 60_000,
  });
  return (
    <Stack gap="sm">
      <Group gap="sm" justify="space-between">
        <NativeSelect
          aria-label="Days"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          data={Object.keys(choices)}
        />
        <SegmentedControl
          aria-label="Add up by"
          size="xs"
          value={by}
          onChange={(value) => setBy(GROUPINGS.find((found) => found.value === value)?.value ?? "day")}
          data={GROUPINGS.map((found) => found)}
        />
      </Group>
      <Shown query={query}>{(report) => <Found report={report} by={by} />}</Shown>
    </Stack>
  );
}

function Found({ report, by }: { report: UsageReport; by: Grouping }) {
  const { items, total } = report;
  if (items.length === 0)
    return (
      <EmptyState title="Nothing was used">
        No agent has worked in these days ({report.since} to {report.until}, UTC).
      </EmptyState>
    );
  return (
    <>
      <DailyCost report={report} />
      {total.unpriced > 0 && (
        <Alert color="yellow" variant="light">
          The cost of {plural(total.unpriced, "turn")} is not known, and not in these sums: nobody says what the model costs.
        </Alert>
      )}
      <SumTable rows={sums(items, by)} total={{ ...total, key: "" }} by={by} />
    </>
  );
}

/** The days of the range as bars: by cost, or by tokens where no cost is known. */
function DailyCost({ report }: { report: UsageReport }) {
  const range: Range = report;
  const priced = report.total.cost > 0;
  const bars = daily(sums(report.items, "day"), range.since, range.until).map((sum) => {
    const value = priced ? sum.cost : sum.input + sum.output;
    return { key: sum.key, value, text: priced ? dollars(value) : `${count(value)} tokens` };
  });
  return <Bars label={`${priced ? "Cost" : "Tokens"} by day; the table has the figures by day too`} bars={bars} />;
}

function SumTable({ rows, total, by }: { rows: readonly Sum[]; total: Sum; by: Grouping }) {
  const label = GROUPINGS.find(({ value }) => value === by)?.label;
  return (
    <Table.ScrollContainer minWidth={460} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
      <Table verticalSpacing={4} className="numbers">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{label}</Table.Th>
            {["Turns", "Input", "of it cached", "Output", "Cost"].map((title) => (
              <Table.Th key={title} ta="right">
                {title}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <SumRow key={row.key} row={row} title={<Name by={by} value={row.key} />} />
          ))}
        </Table.Tbody>
        <Table.Tfoot>
          <SumRow row={total} title="All" />
        </Table.Tfoot>
      </Table>
    </Table.ScrollContainer>
  );
}

function SumRow({ row, title }: { row: Sum; title: ReactNode }) {
  return (
    <Table.Tr>
      <Table.Th scope="row" fw={400}>
        {title}
      </Table.Th>
      <Table.Td ta="right">{row.turns}</Table.Td>
      <Table.Td ta="right">{count(row.input)}</Table.Td>
      <Table.Td ta="right">{count(row.cacheRead)}</Table.Td>
      <Table.Td ta="right">{count(row.output)}</Table.Td>
      <Table.Td ta="right">
        {row.unpriced === row.turns ? (
          <Text span inherit c="dimmed">
            not known
          </Text>
        ) : (
          `${row.unpriced > 0 ? "≥ " : ""}${dollars(row.cost)}`
        )}
      </Table.Td>
    </Table.Tr>
  );
}

function Name({ by, value }: { by: Grouping; value: string }) {
  if (by === "sessionId") return <SessionName sessionId={value} />;
  return value === UNNAMED ? "Not named" : value;
}

function SessionName({ sessionId }: { sessionId: string }) {
  const { workspaceId, live } = useRoom();
  const session = useLive(live, (state) => state.sessions.get(sessionId));
  if (session === undefined) return <code>{sessionId}</code>;
  return (
    <Anchor component={Link} href={`/w/${workspaceId}/s/${sessionId}`} inherit>
      {session.name}
    </Anchor>
  );
}
