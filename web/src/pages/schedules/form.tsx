import { Group, Radio, Select, SimpleGrid, Stack, Switch, Text, TextInput, UnstyledButton } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { answer } from "#/api/client";
import { Once } from "#/api/once";
import type { Missed, NewSchedule, ScheduleView } from "#/api/schema";
import { BLANK, type Draft, draftOf, planOf } from "#/pages/tasks/draft";
import { PLAN_FIELDS, PlanFields } from "#/pages/tasks/fields";
import { roomKey } from "#/room/key";
import { type Room, useRoom } from "#/room/room";
import { FormDialog, fieldError } from "#/ui/form";
import { describe, PRESETS } from "./cron";
import { HERE, zones } from "./zones";

const FIELDS = ["/name", "/cron", "/timezone", "/missed", ...PLAN_FIELDS.map((field) => `/task${field}`)];

type When = Omit<NewSchedule, "task">;

/** The form of a new schedule, or of `known`. */
export function ScheduleForm({ known, onClose }: { known: ScheduleView | null; onClose: () => void }) {
  const room = useRoom();
  const queries = useQueryClient();
  const etag = useEtag(room, known);
  const [when, setWhen] = useState<When>(() => whenOf(known));
  const [draft, setDraft] = useState<Draft>(() => (known === null ? BLANK : draftOf(known.task)));
  const [once] = useState(() => new Once());
  const saving = useMutation({
    mutationFn: () => {
      const body = { ...when, task: planOf(draft) };
      return known === null ? create(room, body, once) : change(room, known.scheduleId, body, etag.data ?? null);
    },
    onSuccess: () => {
      onClose();
    },
    // Also when it has failed: somebody else may have changed it.
    onSettled: () => void queries.invalidateQueries({ queryKey: roomKey(room.workspaceId, "schedules") }),
  });
  return (
    <FormDialog
      title={known === null ? "New schedule" : "Change schedule"}
      action={known === null ? "Create schedule" : "Save"}
      size="lg"
      busy={saving.isPending}
      error={saving.error}
      fields={FIELDS}
      onSubmit={saving.mutate}
      onClose={onClose}
    >
      <WhenFields when={when} onChange={setWhen} error={saving.error} />
      <PlanFields draft={draft} onChange={setDraft} error={saving.error} at="/task" />
    </FormDialog>
  );
}

/** The version that the form was opened with: somebody else's change since then is not overwritten. */
function useEtag({ workspaceId, api }: Room, known: ScheduleView | null) {
  return useQuery({
    queryKey: roomKey(workspaceId, "schedules", known?.scheduleId, "etag", known?.updatedAt),
    enabled: known !== null,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async () => {
      const path = { workspaceId, scheduleId: known?.scheduleId ?? "" };
      const { data, response } = await api.GET("/api/workspaces/{workspaceId}/schedules/{scheduleId}", { params: { path } });
      // What is in the form is older already.
      return data?.updatedAt === known?.updatedAt ? response.headers.get("ETag") : '"outdated"';
    },
  });
}

function create({ workspaceId, api }: Room, body: NewSchedule, once: Once): Promise<ScheduleView> {
  const params = { path: { workspaceId }, header: { "Idempotency-Key": once.key(body) } };
  return answer(api.POST("/api/workspaces/{workspaceId}/schedules", { params, body }));
}

function change({ workspaceId, api }: Room, scheduleId: string, body: NewSchedule, etag: string | null): Promise<ScheduleView> {
  const params = { path: { workspaceId, scheduleId }, ...(etag && { header: { "If-Match": etag } }) };
  return answer(api.PATCH("/api/workspaces/{workspaceId}/schedules/{scheduleId}", { params, body }));
}

function whenOf(known: ScheduleView | null): When {
  if (known === null) return { name: "", cron: "0 9 * * 1-5", timezone: HERE, missed: "skip", enabled: true };
  const { name, cron, timezone, missed, enabled } = known;
  return { name, cron, timezone, missed, enabled };
}

interface WhenProps {
  when: When;
  onChange: (when: When) => void;
  error: unknown;
}

function WhenFields({ when, onChange, error }: WhenProps) {
  const set = (change: Partial<When>) => onChange({ ...when, ...change });
  const known = useMemo(() => zones(when.timezone), [when.timezone]);
  return (
    <>
      <TextInput
        label="Name"
        value={when.name}
        onChange={(event) => set({ name: event.currentTarget.value })}
        error={fieldError(error, "/name")}
        required
        data-autofocus
      />
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
        <TextInput
          label="Times"
          description="Minute, hour, day, month, weekday"
          value={when.cron}
          onChange={(event) => set({ cron: event.currentTarget.value })}
          error={fieldError(error, "/cron")}
          styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
          required
        />
        <Select
          label="Time zone"
          description="Whose clocks these times are of"
          data={known}
          value={when.timezone}
          onChange={(timezone) => timezone !== null && set({ timezone })}
          error={fieldError(error, "/timezone")}
          limit={100}
          searchable
          allowDeselect={false}
        />
      </SimpleGrid>
      <Text size="sm" role="status">
        {describe(when.cron) ?? "Times of no common form; the server says when they come next."}
      </Text>
      <Presets onChoose={(cron) => set({ cron })} />
      <Radio.Group
        label="Runs that were missed while the server was away"
        value={when.missed}
        onChange={(value) => set({ missed: missedOf(value) })}
        error={fieldError(error, "/missed")}
      >
        <Stack gap={6} mt={6}>
          <Radio value="skip" label="Are left out" />
          <Radio value="once" label="Are made up for by one run" />
        </Stack>
      </Radio.Group>
      <Switch label="Enabled" checked={when.enabled} onChange={(event) => set({ enabled: event.currentTarget.checked })} />
    </>
  );
}

function Presets({ onChoose }: { onChoose: (cron: string) => void }) {
  return (
    <Group gap="xs" role="group" aria-label="Common times">
      {PRESETS.map(({ label, cron }) => (
        <UnstyledButton key={cron} fz="xs" c="var(--mantine-color-anchor)" onClick={() => onChoose(cron)}>
          {label}
        </UnstyledButton>
      ))}
    </Group>
  );
}

function missedOf(value: string): Missed {
  return value === "once" ? "once" : "skip";
}
