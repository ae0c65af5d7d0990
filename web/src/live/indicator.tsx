import { Button, Group, Portal, Text, Tooltip } from "@mantine/core";
import { useSyncExternalStore } from "react";
import { messageOf } from "#/api/problem";
import { useRoom } from "#/room/room";

/** Says in the head of the page when the room's events do not come, and offers to try at once. Shows nothing while they do. */
export function Indicator() {
  const { live } = useRoom();
  const state = useSyncExternalStore(live.connection.subscribe, live.connection.get);
  const refused = useSyncExternalStore(live.refused.subscribe, live.refused.get);
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
