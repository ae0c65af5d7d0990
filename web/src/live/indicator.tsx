import { Button, Group, Portal, Text, Tooltip } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { useExpired } from "#/api/identity";
import { messageOf } from "#/api/problem";
import { roomKey, useRoom } from "#/room/room";

/** Says in the head of the page when the room's events do not come, and offers to try at once. Shows nothing while they do. */
export function Indicator() {
  const { workspaceId, live } = useRoom();
  const queries = useQueryClient();
  const state = useSyncExternalStore(live.connection.subscribe, live.connection.get);
  const refused = useSyncExternalStore(live.refused.subscribe, live.refused.get);
  const expired = useExpired();
  useEffect(() => {
    // Asking what may be done here finds out which sign-in has ended, and leads to another.
    if (refused?.status === 401) void queries.invalidateQueries({ queryKey: roomKey(workspaceId, "access") });
  }, [refused, queries, workspaceId]);
  useEffect(() => {
    if (!expired) live.retry();
  }, [expired, live]);
  return <Portal target="#live">{shown(state, refused) && <Broken refused={refused} retry={() => live.retry()} />}</Portal>;
}

function shown(state: string, refused: Error | null): boolean {
  return state === "reconnecting" || refused !== null;
}

function Broken({ refused, retry }: { refused: Error | null; retry: () => void }) {
  return (
    <Group gap={6} wrap="nowrap" className="fade-in">
      {refused === null ? (
        <Text size="xs" c="dimmed" role="status">
          Reconnecting…
        </Text>
      ) : (
        <Tooltip label={messageOf(refused)} multiline maw={320}>
          <Text size="xs" c="var(--mantine-color-error)" role="alert" truncate maw={{ base: 110, sm: 320 }}>
            Not live: {messageOf(refused)}
          </Text>
        </Tooltip>
      )}
      <Button size="compact-xs" variant="default" onClick={retry}>
        Retry
      </Button>
    </Group>
  );
}
