import { Button, Group, Switch, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { answer, newKey } from "#/api/client";
import type { Schedules, ScheduleView } from "#/api/schema";
import { roomKey } from "#/room/key";
import { useRoom } from "#/room/room";
import { Confirm } from "#/ui/confirm";
import { complain } from "#/ui/notify";
import { Row } from "#/ui/rows";
import { Ago } from "#/ui/time";
import { describe } from "./cron";
import { HERE, timeIn } from "./zones";

/** A schedule: when it runs, and what can be done with it. */
export function ScheduleRow({ schedule, onEdit }: { schedule: ScheduleView; onEdit: () => void }) {
  const { may } = useRoom();
  const words = describe(schedule.cron);
  return (
    <Row
      title={
        <>
          <Toggle schedule={schedule} />
          <Text size="sm" fw={500} truncate>
            {schedule.name}
          </Text>
        </>
      }
      meta={
        <>
          <span>
            {words ?? <code>{schedule.cron}</code>} ({schedule.timezone})
          </span>
          <NextRun schedule={schedule} />
          {schedule.lastRunAt && (
            <span>
              Last run <Ago at={schedule.lastRunAt} />
            </span>
          )}
          <Text span inherit lineClamp={1}>
            {schedule.task.prompt}
          </Text>
        </>
      }
      actions={may("tasks:write") && <Actions schedule={schedule} onEdit={onEdit} />}
    />
  );
}

function NextRun({ schedule: { nextRunAt, timezone } }: { schedule: ScheduleView }) {
  if (nextRunAt === null) return null;
  const there = timezone === HERE ? null : timeIn(nextRunAt, timezone);
  return (
    <span>
      Next run <Ago at={nextRunAt} />, {timeIn(nextRunAt, HERE)}
      {there && ` (there ${there})`}
    </span>
  );
}

function Toggle({ schedule }: { schedule: ScheduleView }) {
  const { workspaceId, api, may } = useRoom();
  const queries = useQueryClient();
  const key = roomKey(workspaceId, "schedules");
  const put = (changed: ScheduleView) =>
    queries.setQueryData<Schedules>(
      key,
      (known) => known && { items: known.items.map((item) => (item.scheduleId === changed.scheduleId ? changed : item)) },
    );
  const change = useMutation({
    mutationFn: (enabled: boolean) => {
      const path = { workspaceId, scheduleId: schedule.scheduleId };
      return answer(api.PATCH("/api/workspaces/{workspaceId}/schedules/{scheduleId}", { params: { path }, body: { enabled } }));
    },
    onMutate: async (enabled) => {
      await queries.cancelQueries({ queryKey: key, exact: true });
      // When it runs next the server says.
      put({ ...schedule, enabled, nextRunAt: null });
      return schedule;
    },
    onSuccess: put,
    onError: (error, _, before) => {
      if (before) put(before);
      complain(error);
    },
  });
  return (
    <Switch
      size="xs"
      aria-label={`Run ${schedule.name} by the clock`}
      checked={schedule.enabled}
      disabled={!may("tasks:write") || change.isPending}
      onChange={(event) => change.mutate(event.currentTarget.checked)}
    />
  );
}

function Actions({ schedule, onEdit }: { schedule: ScheduleView; onEdit: () => void }) {
  const { workspaceId, api } = useRoom();
  const queries = useQueryClient();
  const [, go] = useLocation();
  const path = { workspaceId, scheduleId: schedule.scheduleId };
  const run = useMutation({
    mutationFn: () => {
      const params = { path, header: { "Idempotency-Key": newKey() } };
      return answer(api.POST("/api/workspaces/{workspaceId}/schedules/{scheduleId}/run", { params }));
    },
    onSuccess: ({ taskId }) => go(`/w/${workspaceId}/tasks/${taskId}`),
    onError: (error) => complain(error),
  });
  const remove = async () => {
    await answer(api.DELETE("/api/workspaces/{workspaceId}/schedules/{scheduleId}", { params: { path } }));
    await queries.invalidateQueries({ queryKey: roomKey(workspaceId, "schedules") });
  };
  return (
    <Group gap={6}>
      <Button size="xs" variant="default" loading={run.isPending} onClick={() => run.mutate()}>
        Run now
      </Button>
      <Button size="xs" variant="default" onClick={onEdit}>
        Change
      </Button>
      <Confirm title={`Delete ${schedule.name}?`} text="It makes no more tasks. Those that it has made stay." act={remove}>
        Delete
      </Confirm>
    </Group>
  );
}
