import { ActionIcon, Tooltip } from "@mantine/core";
import { IconRefreshDot } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { SessionView } from "#/api/schema";
import type { Activity } from "#/pages/sessions/activity";
import { keepAlive, refresh } from "#/pages/sessions/acts";
import { roomKey } from "#/room/key";
import { useRoom } from "#/room/room";
import { type Command, useCommands } from "#/shell/commands";
import { complain } from "#/ui/notify";
import { Countdown } from "#/ui/time";
import styles from "./frame.module.css";

/** Milliseconds between two looks at a deadline that typing in a terminal, or reading files, may have moved. */
const LOOK = 30_000;

/** When the session's terminals and agents are ended unless it is used, and a way to use it. Nothing while nothing runs. */
export function ShutdownDeadline({ session, activity }: { session: SessionView; activity: Activity }) {
  const room = useRoom();
  const { workspaceId, sessionId, shutdownDeadline } = session;
  const { terminals, working } = activity;
  useQuery({
    // What begins or ends changes whether there is a deadline at all.
    queryKey: roomKey(workspaceId, "session", sessionId, "deadline", terminals, working),
    queryFn: () => refresh(room, sessionId),
    enabled: shutdownDeadline !== null || terminals + working > 0,
    refetchInterval: LOOK,
  });
  const keep = useMutation({
    mutationFn: () => keepAlive(room, sessionId),
    onError: (error) => complain(error, "The session was not kept alive"),
  });
  const { mutate } = keep;
  const writes = room.may("sessions:write") && shutdownDeadline !== null;
  const offered = useMemo<Command[]>(
    () => (writes ? [{ id: "keep-alive", group: "Session", label: "Keep the session alive", run: () => mutate() }] : []),
    [writes, mutate],
  );
  useCommands(offered);

  if (shutdownDeadline === null) return null;
  return (
    <span className={styles["deadline"]}>
      <Tooltip label="Without any use its terminals and agents end then. Its files stay." multiline maw={260}>
        <span>
          <span className={styles["wide"]}>Stops in </span>
          <Countdown at={shutdownDeadline} />
        </span>
      </Tooltip>
      {writes && (
        <Tooltip label="Keep alive">
          <ActionIcon size="sm" variant="subtle" loading={keep.isPending} onClick={() => mutate()} aria-label="Keep alive">
            <IconRefreshDot size={15} aria-hidden />
          </ActionIcon>
        </Tooltip>
      )}
    </span>
  );
}
