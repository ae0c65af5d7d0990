import { ActionIcon, Anchor, Badge, Menu } from "@mantine/core";
import { IconDots } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { useLocation } from "wouter";
import type { SessionView } from "#/api/schema";
import type { Activity } from "#/pages/sessions/activity";
import { DeleteDialog } from "#/pages/sessions/dialogs";
import { repoLink, repoName } from "#/pages/sessions/repo";
import { useRoom } from "#/room/room";
import { type Command, useCommands } from "#/shell/commands";
import { count, dollars } from "#/ui/format";
import { say } from "#/ui/notify";
import { ShutdownDeadline } from "./deadline";
import styles from "./frame.module.css";
import { Name } from "./name";
import { Worktrees } from "./worktrees";

/** The first line of a session's pages: what it is, how long it goes on, and what can be done with it. */
export function Head({ session, activity }: { session: SessionView; activity: Activity }) {
  const { may } = useRoom();
  const ready = session.status === "ready";
  return (
    <div className={styles["head"]}>
      <Name key={session.sessionId} session={session} />
      {!ready && (
        <Badge size="sm" tt="none" variant="light" color={session.status === "error" ? "red" : "blue"}>
          {session.status === "error" ? "Clone failed" : "Cloning"}
        </Badge>
      )}
      <Repo session={session} />
      <span className={styles["space"]} />
      {ready && <ShutdownDeadline session={session} activity={activity} />}
      <Used session={session} />
      {ready && may("sessions:read") && <Worktrees sessionId={session.sessionId} />}
      <Deeds session={session} activity={activity} />
    </div>
  );
}

function Repo({ session: { repoUrl, ref } }: { session: SessionView }) {
  if (repoUrl === null) return null;
  const link = repoLink(repoUrl);
  const text = ref ? `${repoName(repoUrl)} @ ${ref}` : repoName(repoUrl);
  return (
    <span className={styles["repo"]} title={repoUrl}>
      {link ? (
        <Anchor href={link} target="_blank" rel="noopener noreferrer" inherit c="inherit">
          {text}
        </Anchor>
      ) : (
        text
      )}
    </span>
  );
}

function Used({ session: { usage } }: { session: SessionView }) {
  if (usage === null) return null;
  return (
    <span className={styles["used"]} title={`${count(usage.input)} tokens in, ${count(usage.output)} out`}>
      {count(usage.input + usage.output)} tokens{usage.cost !== null && ` · ${dollars(usage.cost)}`}
    </span>
  );
}

function Deeds({ session, activity }: { session: SessionView; activity: Activity }) {
  const { may } = useRoom();
  const [, go] = useLocation();
  const [deleting, setDeleting] = useState(false);
  const { sessionId, workspaceId } = session;
  const writes = may("sessions:write");
  const offered = useMemo<Command[]>(
    () => [
      {
        id: "copy-session",
        group: "Session",
        label: "Copy the session's id",
        run: () => void navigator.clipboard.writeText(sessionId).then(() => say("Copied")),
      },
      ...(writes
        ? [{ id: "delete-session", group: "Session", label: "Delete the session…", run: () => setDeleting(true) }]
        : []),
    ],
    [sessionId, writes],
  );
  useCommands(offered);
  return (
    <>
      <Menu position="bottom-end" width={220}>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label="What to do with the session">
            <IconDots size={16} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {offered.map(({ id, label, run }) => (
            <Menu.Item key={id} onClick={run} {...(id === "delete-session" && { color: "red" })}>
              {label}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      {deleting && (
        <DeleteDialog
          session={session}
          activity={activity}
          close={() => setDeleting(false)}
          done={() => go(`/w/${workspaceId}`, { replace: true })}
        />
      )}
    </>
  );
}
