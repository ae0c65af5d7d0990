import { Badge, Tooltip, VisuallyHidden } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { useMemo } from "react";
import { Link, useLocation, useSearchParams } from "wouter";
import type { SessionView } from "#/api/schema";
import type { Activity } from "#/pages/sessions/activity";
import { type Command, useCommands } from "#/shell/commands";
import { plural } from "#/ui/format";
import styles from "./frame.module.css";

/** The pages of a session, by their path below its own. */
export const PARTS = [
  { label: "Chat", path: "" },
  { label: "Terminals", path: "/terminals" },
  { label: "Files", path: "/files" },
  { label: "Changes", path: "/changes" },
];

/** Dark enough for white letters. */
const WAITING = "orange.9";

/** The ways between the pages of a session, with what goes on there. Alt and a digit go there too. */
export function Parts({ session, activity }: { session: SessionView; activity: Activity }) {
  const { workspaceId, sessionId } = session;
  const at = `/w/${workspaceId}/s/${sessionId}`;
  const [path, go] = useLocation();
  const [search] = useSearchParams();
  const worktree = search.get("worktree");
  const query = worktree === null ? "" : `?${new URLSearchParams({ worktree })}`;

  useHotkeys(
    PARTS.map(({ path: part }, index) => [`alt+Digit${index + 1}`, () => go(at + part + query), { usePhysicalKeys: true }]),
    [],
  );
  const offered = useMemo<Command[]>(
    () =>
      PARTS.map(({ label, path: part }, index) => ({
        id: `part ${label}`,
        group: "Session",
        label,
        keys: `Alt ${index + 1}`,
        run: () => go(at + part + query),
      })),
    [at, go, query],
  );
  useCommands(offered);

  return (
    <nav className={styles["parts"]} aria-label="Session">
      {PARTS.map(({ label, path: part }, index) => (
        <Tooltip key={label} label={`Alt ${index + 1}`}>
          <Link
            href={at + part + query}
            className={styles["part"]}
            {...(path === at + part && { "aria-current": "page" as const })}
          >
            {label}
            {label === "Chat" && <Turns {...activity} />}
            {label === "Terminals" && activity.terminals > 0 && (
              <Count number={activity.terminals} noun="running terminal" color="gray" />
            )}
          </Link>
        </Tooltip>
      ))}
    </nav>
  );
}

/** A waiting permission comes before what runs: nothing goes on without the person. */
function Turns({ working, waiting }: Activity) {
  if (waiting > 0) return <Count number={waiting} noun="waiting permission" color={WAITING} />;
  return working > 0 && <Count number={working} noun="running turn" color="blue" />;
}

function Count({ number, noun, color }: { number: number; noun: string; color: string }) {
  return (
    <Badge size="xs" color={color} variant={color === WAITING ? "filled" : "light"}>
      <span aria-hidden>{number}</span>
      <VisuallyHidden>{plural(number, noun)}</VisuallyHidden>
    </Badge>
  );
}
