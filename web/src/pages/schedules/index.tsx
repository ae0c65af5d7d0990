import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { answer } from "#/api/client";
import type { ScheduleView } from "#/api/schema";
import { roomKey } from "#/room/key";
import { useRoom } from "#/room/room";
import { type Command, useCommands } from "#/shell/commands";
import { Page } from "#/ui/page";
import { Rows } from "#/ui/rows";
import { EmptyState, Shown } from "#/ui/states";
import { ScheduleForm } from "./form";
import { ScheduleRow } from "./row";

/** How often it is asked when the next runs are: the clock makes tasks without telling of schedules. */
const REFRESH = 60_000;

/** What makes tasks by the clock. */
export default function SchedulesPage() {
  const { workspaceId, api, may } = useRoom();
  const [form, setForm] = useState<{ known: ScheduleView | null } | null>(null);
  const query = useQuery({
    queryKey: roomKey(workspaceId, "schedules"),
    queryFn: () => answer(api.GET("/api/workspaces/{workspaceId}/schedules", { params: { path: { workspaceId } } })),
    refetchInterval: REFRESH,
  });
  const writes = may("tasks:write");
  const offered = useMemo<Command[]>(() => {
    const run = () => setForm({ known: null });
    return writes ? [{ id: "new-schedule", group: "Schedules", label: "New schedule", run }] : [];
  }, [writes]);
  useCommands(offered);
  const create = writes && (
    <Button size="xs" onClick={() => setForm({ known: null })}>
      New schedule
    </Button>
  );
  return (
    <Page title="Schedules" description="Tasks that the clock makes." actions={create}>
      <Shown query={query} label="Looking for schedules">
        {({ items }) =>
          items.length > 0 ? (
            <Rows label="Schedules">
              {items.map((schedule) => (
                <ScheduleRow key={schedule.scheduleId} schedule={schedule} onEdit={() => setForm({ known: schedule })} />
              ))}
            </Rows>
          ) : (
            <EmptyState title="No schedule yet" action={create}>
              A schedule queues a task at set times: a review each morning, an update each week.
            </EmptyState>
          )
        }
      </Shown>
      {form && <ScheduleForm known={form.known} onClose={() => setForm(null)} />}
    </Page>
  );
}
