import "#/pages/chat/chat.css";
import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useSyncExternalStore } from "react";
import { answer } from "#/api/client";
import { ApiError } from "#/api/problem";
import { SessionLog, troubleOf } from "#/pages/chat/log/session";
import { folderOf } from "#/pages/chat/transcript/folder";
import { Output } from "#/pages/chat/transcript/output";
import { Steps } from "#/pages/chat/transcript/turn";
import { roomKey } from "#/room/key";
import { useRoom } from "#/room/room";
import { LoadingState, Shown } from "#/ui/states";

/** What the agent says and does in a task's latest attempt, as it goes. */
export function TaskLog({ sessionId, turnId }: { sessionId: string; turnId: string }) {
  const { workspaceId, api } = useRoom();
  const turn = useQuery({
    queryKey: roomKey(workspaceId, "turn", turnId),
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: () =>
      answer(
        api.GET("/api/workspaces/{workspaceId}/sessions/{sessionId}/turns/{turnId}", {
          params: { path: { workspaceId, sessionId, turnId } },
        }),
      ),
  });
  // A budget that is used up, or an agent that does not start: the task says why.
  if (turn.error instanceof ApiError && turn.error.status === 404) {
    return (
      <Text size="sm" c="dimmed">
        The agent has not begun, or its session is gone.
      </Text>
    );
  }
  return (
    <Shown query={turn} label="Looking for the log">
      {({ firstEvent }) => <Followed key={turnId} sessionId={sessionId} turnId={turnId} after={firstEvent - 1} />}
    </Shown>
  );
}

function Followed({ sessionId, turnId, after }: { sessionId: string; turnId: string; after: number }) {
  const room = useRoom();
  const log = useMemo(() => new SessionLog(room, sessionId, after), [room, sessionId, after]);
  const state = useSyncExternalStore(log.state.subscribe, log.state.get);
  const connection = useSyncExternalStore(log.connection.subscribe, log.connection.get);
  const refused = useSyncExternalStore(log.refused.subscribe, log.refused.get);
  const turn = state.turns.get(turnId);
  const over = turn?.ended != null;
  useEffect(() => (over ? undefined : log.follow()), [log, over]);
  const trouble = over ? null : troubleOf(connection, refused);
  return (
    <>
      {trouble !== null && (
        <Text size="sm" c="dimmed" role="status">
          {trouble}
        </Text>
      )}
      {turn === undefined && trouble === null && <LoadingState label="Reading the log" />}
      {turn && <Steps items={turn.items} over={over} folder={folderOf(room.workspaceId, sessionId, turn.worktreeId)} />}
      {turn?.ended?.stderr && <Output label="What the agent printed" text={turn.ended.stderr} />}
    </>
  );
}
