import { Anchor, Code, DataList } from "@mantine/core";
import type { ReactNode } from "react";
import { Link } from "wouter";
import type { TaskDetailView } from "#/api/schema";
import { useLive } from "#/live/room";
import { Maker } from "#/names/called";
import { usageLine } from "#/pages/chat/transcript/usage";
import { useRoom } from "#/room/room";
import { Copy } from "#/ui/copy";
import { Ago, Countdown, left } from "#/ui/time";
import { waits } from "./status";

/** What is known of a task beside its prompt and its result. */
export function TaskFacts({ task }: { task: TaskDetailView }) {
  const usage = usageLine(task.usage);
  return (
    <DataList size="sm" gap={6}>
      <Fact name="Agent">{[task.agent ?? "The host's default", task.model, task.mode].filter(Boolean).join(", ")}</Fact>
      <Place task={task} />
      <Fact name="Permissions">{task.permissions === "allow" ? "Allowed without asking" : "Denied"}</Fact>
      <Fact name="Attempts">
        {task.attempt} of {task.attempts}, at most {left(task.timeout)}
        {task.attempts > 1 && " each"}
      </Fact>
      <Times task={task} />
      {usage && <Fact name="Usage">{usage}</Fact>}
      <Fact name="Made by">
        {task.scheduleId ? (
          <Anchor component={Link} href={`/w/${task.workspaceId}/schedules`} size="sm">
            A schedule
          </Anchor>
        ) : (
          <Maker by={task.createdBy} />
        )}
      </Fact>
      <Fact name="Id">
        <Code>{task.taskId}</Code> <Copy value={task.taskId} label="the task's id" />
      </Fact>
    </DataList>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <DataList.Item>
      <DataList.ItemLabel>{name}</DataList.ItemLabel>
      <DataList.ItemValue style={{ overflowWrap: "anywhere" }}>{children}</DataList.ItemValue>
    </DataList.Item>
  );
}

function Place({ task: { workspaceId, sessionId, repoUrl, ref } }: { task: TaskDetailView }) {
  const { live } = useRoom();
  const session = useLive(live, (state) => (sessionId === null ? undefined : state.sessions.get(sessionId)));
  return (
    <>
      {sessionId !== null && (
        <Fact name="Session">
          {session === undefined ? (
            <Code>{sessionId}</Code>
          ) : (
            <Anchor component={Link} href={`/w/${workspaceId}/s/${sessionId}`} size="sm">
              {session.name}
            </Anchor>
          )}
        </Fact>
      )}
      {repoUrl !== null && <Fact name="Repository">{ref === null ? repoUrl : `${repoUrl} at ${ref}`}</Fact>}
    </>
  );
}

function Times({ task }: { task: TaskDetailView }) {
  const { createdAt, notBefore, startedAt, endedAt } = task;
  return (
    <>
      <Fact name="Queued">
        <Ago at={createdAt} />
      </Fact>
      {waits(task) && (
        <Fact name="Begins in">
          <Countdown at={notBefore} />
        </Fact>
      )}
      {startedAt !== null && (
        <Fact name="Started">
          <Ago at={startedAt} />
          {endedAt !== null && `, took ${left((Date.parse(endedAt) - Date.parse(startedAt)) / 1000)}`}
        </Fact>
      )}
    </>
  );
}
