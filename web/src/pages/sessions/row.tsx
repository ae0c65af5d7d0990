import { ActionIcon, Anchor, Badge, Menu, Progress, Text, VisuallyHidden } from "@mantine/core";
import { IconBell, IconDots, IconTerminal2 } from "@tabler/icons-react";
import { memo } from "react";
import { Link } from "wouter";
import type { DeadlineView, SessionView } from "#/api/schema";
import { count, dollars, plural } from "#/ui/format";
import { Ago, Countdown } from "#/ui/time";
import type { Activity } from "./activity";
import { repoName } from "./repo";
import styles from "./sessions.module.css";

/** What a row's menu asks for. */
export type Deed = "rename" | "delete" | "again";

interface Props {
  session: SessionView;
  working: number;
  waiting: number;
  terminals: number;
  due: DeadlineView | undefined;
  /** Null where nothing may be changed. */
  ask: ((deed: Deed, session: SessionView) => void) | null;
}

/** A session in the list. */
export const SessionRow = memo(function SessionRow({ session, working, waiting, terminals, due, ask }: Props) {
  const { sessionId, workspaceId, name, status, repoUrl, ref } = session;
  return (
    <div className={styles["row"]}>
      <div className={styles["main"]}>
        <div className={styles["head"]}>
          <Anchor component={Link} href={`/w/${workspaceId}/s/${sessionId}`} c="inherit" className={styles["name"]}>
            {name}
          </Anchor>
          <Doing working={working} waiting={waiting} terminals={terminals} />
        </div>
        {status === "ready" ? (
          <div className={styles["meta"]}>
            <span className={styles["repo"]}>{repoUrl ? repoName(repoUrl) : "Empty repository"}</span>
            {ref && <span className={styles["repo"]}>{ref}</span>}
          </div>
        ) : (
          <Clone session={session} />
        )}
      </div>
      <div className={styles["figures"]}>
        {due ? (
          <span>
            {due.kind === "idle" ? "Stops" : "Deleted"} in <Countdown at={due.deadline} />
          </span>
        ) : (
          <Cost session={session} />
        )}
        <span className={styles["ago"]}>
          <Ago at={session.lastActivity} />
        </span>
      </div>
      {ask && <Deeds session={session} ask={ask} />}
    </div>
  );
});

function Doing({ working, waiting, terminals }: Activity) {
  return (
    <>
      {waiting > 0 && (
        <Badge size="sm" tt="none" color="orange.9" variant="filled" leftSection={<IconBell size={11} aria-hidden />}>
          {waiting === 1 ? "Asks you" : `Asks you ${waiting}×`}
        </Badge>
      )}
      {working > 0 && (
        <Badge size="sm" tt="none" variant="light" leftSection={<span className={styles["working"]} />}>
          {working === 1 ? "Working" : `${working} working`}
        </Badge>
      )}
      {terminals > 0 && (
        <span className={styles["count"]} title={plural(terminals, "terminal")}>
          <IconTerminal2 size={14} aria-hidden />
          <span aria-hidden>{terminals}</span>
          <VisuallyHidden>{plural(terminals, "terminal")}</VisuallyHidden>
        </span>
      )}
    </>
  );
}

/** How far a clone is, or why it has failed. */
function Clone({ session: { progress, errorReason, status } }: { session: SessionView }) {
  if (status === "error") {
    return (
      <Text size="xs" c="var(--mantine-color-error)" truncate title={errorReason ?? ""}>
        Clone failed{errorReason && `: ${errorReason}`}
      </Text>
    );
  }
  return (
    <div className={styles["clone"]}>
      <Progress value={progress?.percent ?? 0} size="xs" flex={1} maw={160} aria-label="Clone" />
      <span className="numbers">{progress ? `${progress.phase} ${progress.percent} %` : "Beginning to clone"}</span>
    </div>
  );
}

/** What its agents have used. */
function Cost({ session: { usage } }: { session: SessionView }) {
  if (usage === null) return null;
  const tokens = `${count(usage.input + usage.output)} tokens`;
  return <span title={tokens}>{usage.cost === null ? tokens : dollars(usage.cost)}</span>;
}

function Deeds({ session, ask }: { session: SessionView; ask: (deed: Deed, session: SessionView) => void }) {
  return (
    <Menu position="bottom-end" withinPortal width={160}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`What to do with ${session.name}`}>
          <IconDots size={16} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {session.status === "error" && <Menu.Item onClick={() => ask("again", session)}>Try again…</Menu.Item>}
        <Menu.Item onClick={() => ask("rename", session)}>Rename…</Menu.Item>
        <Menu.Item color="red" onClick={() => ask("delete", session)}>
          Delete…
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
