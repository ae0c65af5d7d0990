import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconPlus } from "@tabler/icons-react";
import { useMemo } from "react";
import { useLocation } from "wouter";
import type { SessionView } from "#/api/schema";
import { useLive } from "#/live/room";
import { useRoom } from "#/room/room";
import { type Command, useCommands } from "#/shell/commands";
import { Page } from "#/ui/page";
import { EmptyState, LoadingState } from "#/ui/states";
import { NewSessionDialog } from "./form";
import { SessionList } from "./list";
import { byActivity } from "./order";

/** More would drown the other commands. */
const OFFERED = 100;

/** The sessions of a workspace: clones of repositories in which people and agents work. */
export default function Sessions() {
  const { live, may } = useRoom();
  const sessions = useLive(live, (state) => state.sessions);
  const ready = useLive(live, (state) => state.ready);
  const [opened, dialog] = useDisclosure(false);
  const creates = may("sessions:write");
  useOffered(sessions, creates ? dialog.open : null);
  const create = creates && (
    <Button size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={dialog.open}>
      New session
    </Button>
  );
  return (
    <Page title="Sessions" actions={create}>
      {sessions.size > 0 ? (
        <SessionList sessions={sessions} />
      ) : ready ? (
        <EmptyState title="No session yet" action={create}>
          A session is a clone of a repository, or an empty one. In it you open terminals, let agents work, and look at what
          they have changed. It goes on when you leave.
        </EmptyState>
      ) : (
        <LoadingState label="Looking for sessions" />
      )}
      {opened && <NewSessionDialog close={dialog.close} />}
    </Page>
  );
}

function useOffered(sessions: ReadonlyMap<string, SessionView>, create: (() => void) | null): void {
  const [, go] = useLocation();
  const offered = useMemo<Command[]>(
    () => [
      ...(create ? [{ id: "new-session", group: "Sessions", label: "New session", run: create }] : []),
      ...byActivity(sessions.values())
        .slice(0, OFFERED)
        .map(({ sessionId, workspaceId, name }) => ({
          id: `session ${sessionId}`,
          group: "Open session",
          label: name,
          run: () => go(`/w/${workspaceId}/s/${sessionId}`),
        })),
    ],
    [sessions, create, go],
  );
  useCommands(offered);
}
