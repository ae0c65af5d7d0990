import { Alert, Anchor, Box, Group, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link, useParams } from "wouter";
import { answer } from "#/api/client";
import { sentence } from "#/api/problem";
import type { TaskDetailView } from "#/api/schema";
import { useRoom } from "#/room/room";
import { Markdown } from "#/ui/markdown";
import { Page } from "#/ui/page";
import { Shown } from "#/ui/states";
import { TaskActions } from "./actions";
import { TaskFacts } from "./facts";
import { taskKey, useLiveTask } from "./live";
import { TaskLog } from "./log";
import { firstLine, TaskBadge } from "./status";
import styles from "./tasks.module.css";

/** One task: what it was to do, how far it is, and what came of it. */
export default function TaskPage() {
  const { taskId = "" } = useParams<{ taskId: string }>();
  const { workspaceId, api } = useRoom();
  useLiveTask(taskId);
  const query = useQuery({
    queryKey: taskKey(workspaceId, taskId),
    queryFn: () =>
      answer(api.GET("/api/workspaces/{workspaceId}/tasks/{taskId}", { params: { path: { workspaceId, taskId } } })),
  });
  const task = query.data;
  const description = (
    <Group gap="xs">
      {task && <TaskBadge status={task.status} />}
      <Anchor component={Link} href={`/w/${workspaceId}/tasks`} size="sm">
        All tasks
      </Anchor>
    </Group>
  );
  return (
    <Page
      title={task ? firstLine(task.excerpt) : "Task"}
      description={description}
      actions={task && <TaskActions task={task} />}
    >
      <Shown query={query} label="Looking for the task">
        {(found) => <Task task={found} />}
      </Shown>
    </Page>
  );
}

function Task({ task }: { task: TaskDetailView }) {
  const { may } = useRoom();
  return (
    <>
      {task.error !== null && (
        <Alert color="red" variant="light" role="group" title="The latest attempt has failed" mb="md">
          <Text size="sm" className={styles.text ?? ""}>
            {sentence(task.error)}
          </Text>
        </Alert>
      )}
      {task.result !== null && (
        <Part title="Result">
          <Markdown text={task.result} />
          {task.resultTruncated && (
            <Text size="xs" c="dimmed">
              It was longer. All of it is in the log.
            </Text>
          )}
        </Part>
      )}
      <Part title="Prompt">
        <Text size="sm" className={styles.text ?? ""}>
          {task.prompt}
        </Text>
      </Part>
      <Part title="Details">
        <TaskFacts task={task} />
      </Part>
      {task.sessionId !== null && task.turnId !== null && may("turns:read") && (
        <Part title="Log">
          <TaskLog key={task.turnId} sessionId={task.sessionId} turnId={task.turnId} />
        </Part>
      )}
    </>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Box component="section" aria-label={title} className={styles.part ?? ""}>
      <Title order={2} size="h5" mb={6}>
        {title}
      </Title>
      {children}
    </Box>
  );
}
