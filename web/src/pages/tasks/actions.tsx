import { Button } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { answer, newKey } from "#/api/client";
import type { TaskDetailView } from "#/api/schema";
import { roomKey } from "#/room/key";
import { useRoom } from "#/room/room";
import { Confirm } from "#/ui/confirm";
import { complain } from "#/ui/notify";
import { draftOf } from "./draft";
import { TaskForm } from "./form";
import { takeTask } from "./live";
import { isOver } from "./status";

/** What can be done with a task: stopped while it waits or runs; tried again, copied and forgotten afterwards. */
export function TaskActions({ task }: { task: TaskDetailView }) {
  const { may } = useRoom();
  const [form, setForm] = useState(false);
  if (!may("tasks:write")) return null;
  return (
    <>
      {!isOver(task.status) && <Cancel task={task} />}
      {(task.status === "failed" || task.status === "cancelled") && <Retry task={task} />}
      <Button size="xs" variant="default" onClick={() => setForm(true)}>
        Run again
      </Button>
      {isOver(task.status) && <Forget task={task} />}
      {form && <TaskForm initial={draftOf(task)} onClose={() => setForm(false)} />}
    </>
  );
}

function Cancel({ task: { workspaceId, taskId } }: { task: TaskDetailView }) {
  const { api } = useRoom();
  const queries = useQueryClient();
  const cancel = useMutation({
    mutationFn: () =>
      answer(api.POST("/api/workspaces/{workspaceId}/tasks/{taskId}/cancel", { params: { path: { workspaceId, taskId } } })),
    onSuccess: (task) => takeTask(queries, task),
    onError: (error) => complain(error),
  });
  return (
    <Button size="xs" variant="default" loading={cancel.isPending} onClick={() => cancel.mutate()}>
      Cancel task
    </Button>
  );
}

function Retry({ task: { workspaceId, taskId } }: { task: TaskDetailView }) {
  const { api } = useRoom();
  const queries = useQueryClient();
  const retry = useMutation({
    mutationFn: () => {
      const params = { path: { workspaceId, taskId }, header: { "Idempotency-Key": newKey() } };
      return answer(api.POST("/api/workspaces/{workspaceId}/tasks/{taskId}/retry", { params }));
    },
    onSuccess: (task) => takeTask(queries, task),
    onError: (error) => complain(error),
  });
  return (
    <Button size="xs" loading={retry.isPending} onClick={() => retry.mutate()}>
      Try again
    </Button>
  );
}

function Forget({ task: { workspaceId, taskId } }: { task: TaskDetailView }) {
  const { api } = useRoom();
  const queries = useQueryClient();
  const [, go] = useLocation();
  const forget = async () => {
    await answer(api.DELETE("/api/workspaces/{workspaceId}/tasks/{taskId}", { params: { path: { workspaceId, taskId } } }));
    go(`/w/${workspaceId}/tasks`);
    void queries.invalidateQueries({ queryKey: roomKey(workspaceId, "tasks", "list") });
  };
  return (
    <Confirm title="Delete this task?" text="Its prompt and its result are forgotten. Its session stays." act={forget}>
      Delete
    </Confirm>
  );
}
