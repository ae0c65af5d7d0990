import { Anchor, Button, SegmentedControl, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo, useState } from "react";
import { Link } from "wouter";
import { answer } from "#/api/client";
import { sentence } from "#/api/problem";
import type { TaskStatus, TaskView } from "#/api/schema";
import { useRoom } from "#/room/room";
import { type Command, useCommands } from "#/shell/commands";
import { dollars } from "#/ui/format";
import { Page } from "#/ui/page";
import { Row, Rows } from "#/ui/rows";
import { EmptyState, Shown } from "#/ui/states";
import { Ago } from "#/ui/time";
import { BLANK, type Draft } from "./draft";
import { TaskForm } from "./form";
import { listKey, useLiveTasks } from "./live";
import { firstLine, STATUSES, TaskBadge, waits } from "./status";

/** The tasks of a workspace, newest first, as they go. */
export default function Tasks() {
  const { may } = useRoom();
  const [status, setStatus] = useState<TaskStatus | null>(null);
  const [form, setForm] = useState<Draft | null>(null);
  const query = useTasks(status);
  const writes = may("tasks:write");
  const offered = useMemo<Command[]>(
    () => (writes ? [{ id: "new-task", group: "Tasks", label: "New task", run: () => setForm(BLANK) }] : []),
    [writes],
  );
  useCommands(offered);
  const create = writes && (
    <Button size="xs" onClick={() => setForm(BLANK)}>
      New task
    </Button>
  );
  return (
    <Page
      title="Tasks"
      description="Prompts that agents work on by themselves, in order, also when nobody looks."
      actions={create}
    >
      <Filter status={status} onChange={setStatus} />
      <Shown query={query} label="Looking for tasks">
        {({ pages }) => {
          const items = pages.flatMap((page) => page.items);
          if (items.length === 0) return <Nothing status={status} action={create} />;
          return (
            <>
              <Rows label="Tasks">
                {items.map((task) => (
                  <TaskRow key={task.taskId} task={task} />
                ))}
              </Rows>
              {query.hasNextPage && (
                <Button
                  mt="sm"
                  variant="default"
                  size="xs"
                  loading={query.isFetchingNextPage}
                  onClick={() => query.fetchNextPage()}
                >
                  Show older tasks
                </Button>
              )}
            </>
          );
        }}
      </Shown>
      {form && <TaskForm initial={form} onClose={() => setForm(null)} />}
    </Page>
  );
}

function useTasks(status: TaskStatus | null) {
  const { workspaceId, api } = useRoom();
  useLiveTasks(status);
  return useInfiniteQuery({
    queryKey: listKey(workspaceId, status),
    initialPageParam: "",
    queryFn: ({ pageParam: cursor }) =>
      answer(
        api.GET("/api/workspaces/{workspaceId}/tasks", {
          params: { path: { workspaceId }, query: { limit: 50, ...(cursor && { cursor }), ...(status && { status }) } },
        }),
      ),
    getNextPageParam: ({ nextCursor }) => nextCursor,
  });
}

function Filter({ status, onChange }: { status: TaskStatus | null; onChange: (status: TaskStatus | null) => void }) {
  return (
    <SegmentedControl
      aria-label="Which tasks"
      size="xs"
      mb="sm"
      maw="100%"
      style={{ overflowX: "auto" }}
      value={status ?? "all"}
      onChange={(value) => onChange(STATUSES.find((known) => known === value) ?? null)}
      data={["all", ...STATUSES].map((value) => ({ value, label: value.slice(0, 1).toUpperCase() + value.slice(1) }))}
    />
  );
}

function Nothing({ status, action }: { status: TaskStatus | null; action: ReactNode }) {
  if (status !== null) return <EmptyState title={`No task is ${status}`} />;
  return (
    <EmptyState title="No task yet" action={action}>
      A task is a prompt that an agent works on while you do something else. Its result waits for you here, and a schedule can
      make one by the clock.
    </EmptyState>
  );
}

function TaskRow({ task }: { task: TaskView }) {
  return (
    <Row
      title={
        <>
          <TaskBadge status={task.status} />
          <Anchor component={Link} href={`/w/${task.workspaceId}/tasks/${task.taskId}`} c="inherit" size="sm" fw={500} truncate>
            {firstLine(task.excerpt)}
          </Anchor>
        </>
      }
      meta={
        <>
          <span>{task.agent ?? "Default agent"}</span>
          <span>
            {waits(task) ? (
              <>
                Begins <Ago at={task.notBefore} />
              </>
            ) : (
              <Ago at={task.createdAt} />
            )}
          </span>
          {task.attempts > 1 && (
            <span>
              Attempt {task.attempt} of {task.attempts}
            </span>
          )}
          {task.scheduleId && <span>By a schedule</span>}
          {task.usage?.cost != null && <span className="numbers">{dollars(task.usage.cost)}</span>}
          {task.error && (
            <Text span inherit c="var(--mantine-color-error)" lineClamp={1}>
              {sentence(task.error)}
            </Text>
          )}
        </>
      }
    />
  );
}
