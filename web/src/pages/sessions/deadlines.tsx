import { Affix, Button, Group, Notification, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import type { DeadlineView } from "#/api/schema";
import { useLive } from "#/live/room";
import { useRoom } from "#/room/room";
import { complain } from "#/ui/notify";
import { Countdown, useNow } from "#/ui/time";
import { keepAlive } from "./acts";

/** Away from the corner where other things are said. */
const PLACE = { bottom: 16, left: 16 };
/** Seconds between two looks at what is over. */
const LOOK = 5;

/** Tells once of each deadline that comes near, with a way to move it. */
export function DeadlineWarnings() {
  const { live } = useRoom();
  const deadlines = useLive(live, (state) => state.deadlines);
  const now = useNow(LOOK);
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const near = [...deadlines.values()].filter((due) => Date.parse(due.deadline) > now && !closed.has(idOf(due)));
  if (near.length === 0) return null;
  return (
    <Affix position={PLACE} w="min(360px, calc(100vw - 32px))">
      <Stack gap="xs">
        {near.map((due) => (
          <Warning key={idOf(due)} due={due} close={() => setClosed((before) => new Set(before).add(idOf(due)))} />
        ))}
      </Stack>
    </Affix>
  );
}

function idOf({ sessionId, kind, deadline }: DeadlineView): string {
  return `${sessionId ?? ""} ${kind} ${deadline}`;
}

function Warning({ due, close }: { due: DeadlineView; close: () => void }) {
  const room = useRoom();
  const { sessionId, kind } = due;
  const name = useLive(room.live, (state) => state.sessions.get(sessionId ?? "")?.name);
  const keep = useMutation({
    mutationFn: (id: string) => keepAlive(room, id),
    onError: (error) => complain(error, "The session was not kept alive"),
  });
  const [before, after] = WORDS[sessionId === null ? "room" : "session"][kind];
  const movable = sessionId !== null && kind !== "lifetime" && room.may("sessions:write");
  return (
    <Notification
      title={name}
      color="orange"
      onClose={close}
      closeButtonProps={{ "aria-label": "Close" }}
      withBorder
      role="status"
    >
      <Group justify="space-between" gap="xs" align="flex-end" wrap="nowrap">
        <Text size="sm" c="var(--mantine-color-text)">
          {before}
          <Countdown at={due.deadline} />
          {after}
        </Text>
        {movable && (
          <Button
            size="compact-xs"
            variant="default"
            flex="none"
            loading={keep.isPending}
            onClick={() => keep.mutate(sessionId)}
          >
            Keep alive
          </Button>
        )}
      </Group>
    </Notification>
  );
}

/** What stands before and behind the time that is left. */
const WORDS = {
  session: {
    idle: ["Its terminals and agents end in ", " unless it is used. Its files stay."],
    retention: ["It is deleted with its files in ", " unless it is used."],
    lifetime: ["It is deleted with its files in ", ": it is as old as a session may get."],
  },
  room: {
    idle: ["All that runs in this workspace ends in ", " unless it is used."],
    retention: ["All that runs in this workspace ends in ", " unless it is used."],
    lifetime: ["All that runs in this workspace ends in ", ": it has run as long as it may."],
  },
} as const;
