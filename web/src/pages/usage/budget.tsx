import { Button, Group, NumberInput, Progress, Stack, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type Api, answer } from "#/api/client";
import type { BudgetView, LimitsView } from "#/api/schema";
import { useAllowed } from "#/pages/settings/allowed";
import { roomKey } from "#/room/key";
import { useRoom } from "#/room/room";
import { FormDialog, fieldError } from "#/ui/form";
import { dollars } from "#/ui/format";
import { Shown } from "#/ui/states";

/** Shares of a budget from which it is shown as short, and as used up. */
const SHORT = 0.8;

interface Limits {
  budget: BudgetView;
  etag: string | null;
}

/** What the workspace may spend, and what it has spent where that may be seen. */
export function Budget() {
  const { workspaceId, api, may } = useRoom();
  const sets = useAllowed("limits:write");
  const [open, setOpen] = useState(false);
  const reads = may("usage:read");
  const limits = useQuery({
    queryKey: roomKey(workspaceId, "limits"),
    queryFn: async () => limitsOf(await api.GET("/api/workspaces/{workspaceId}/limits", { params: { path: { workspaceId } } })),
  });
  const spent = useQuery({
    queryKey: roomKey(workspaceId, "usage", "spent"),
    queryFn: () => answer(api.GET("/api/workspaces/{workspaceId}/usage", { params: { path: { workspaceId } } })),
    enabled: reads,
    refetchInterval: 60_000,
  });
  return (
    <Shown query={limits}>
      {(found) => (
        <Stack gap="sm">
          <Limit label="Today" most={found.budget.day} spent={spent.data?.today} />
          <Limit label="This month" most={found.budget.month} spent={spent.data?.month} />
          <Text size="xs" c="dimmed">
            Days and months are UTC. A new turn is refused once a budget is used up; one that runs goes on.
            {!reads && " What was spent is known in the room alone: open it with its secret to see it."}
          </Text>
          {sets && (
            <Group>
              <Button size="xs" variant="default" onClick={() => setOpen(true)}>
                Set the budget
              </Button>
            </Group>
          )}
          {open && sets && <BudgetForm api={sets} limits={found} close={() => setOpen(false)} />}
        </Stack>
      )}
    </Shown>
  );
}

function Limit({ label, most, spent }: { label: string; most: number | null; spent: number | undefined }) {
  const share = most === null || spent === undefined ? null : spent / Math.max(most, Number.MIN_VALUE);
  return (
    <div>
      <Group justify="space-between" gap="xs">
        <Text size="sm">{label}</Text>
        <Text size="sm" className="numbers">
          {spent !== undefined && `${dollars(spent)} spent, `}
          {most === null ? "no limit" : `at most ${dollars(most)}`}
        </Text>
      </Group>
      {share !== null && (
        <Progress
          mt={4}
          value={Math.min(100, share * 100)}
          color={share >= 1 ? "red" : share >= SHORT ? "orange" : "blue"}
          aria-label={`${label}: share of the budget that is spent`}
        />
      )}
    </div>
  );
}

function BudgetForm({ api, limits, close }: { api: Api; limits: Limits; close: () => void }) {
  const { workspaceId } = useRoom();
  const queries = useQueryClient();
  const [day, setDay] = useState<string | number>(limits.budget.day ?? "");
  const [month, setMonth] = useState<string | number>(limits.budget.month ?? "");
  const deed = useMutation({
    mutationFn: async (budget: BudgetView) =>
      limitsOf(
        await api.PUT("/api/workspaces/{workspaceId}/limits", {
          params: { path: { workspaceId }, ...(limits.etag !== null && { header: { "If-Match": limits.etag } }) },
          body: { budget },
        }),
      ),
    onSuccess: async (found) => {
      queries.setQueryData(roomKey(workspaceId, "limits"), found);
      close();
    },
  });
  return (
    <FormDialog
      title="What the workspace may spend"
      action="Save"
      busy={deed.isPending}
      error={deed.error}
      fields={["/budget/day", "/budget/month"]}
      onSubmit={() => deed.mutate({ day: amount(day), month: amount(month) })}
      onClose={close}
    >
      <Text size="sm" c="dimmed">
        US dollars. Nothing is no limit; 0 lets no agent work.
      </Text>
      <NumberInput
        label="In a day"
        value={day}
        onChange={setDay}
        min={0}
        prefix="$"
        decimalScale={2}
        error={fieldError(deed.error, "/budget/day")}
        data-autofocus
      />
      <NumberInput
        label="In a month"
        value={month}
        onChange={setMonth}
        min={0}
        prefix="$"
        decimalScale={2}
        error={fieldError(deed.error, "/budget/month")}
      />
    </FormDialog>
  );
}

function amount(typed: string | number): number | null {
  return typed === "" ? null : Number(typed);
}

function limitsOf({ data, response }: { data?: LimitsView; response: Response }): Limits {
  if (data === undefined) throw new Error("The server answered without the limits.");
  return { budget: data.budget, etag: response.headers.get("ETag") };
}
