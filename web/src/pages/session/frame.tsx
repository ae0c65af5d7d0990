import { useDocumentTitle, useDocumentVisibility } from "@mantine/hooks";
import type { ReactNode } from "react";
import { useLocation } from "wouter";
import { useLive } from "#/live/room";
import { useActivities } from "#/pages/sessions/activity";
import { useRoom } from "#/room/room";
import { EmptyState, LoadingState } from "#/ui/states";
import { CloneState } from "./clone";
import styles from "./frame.module.css";
import { Head } from "./head";
import { PARTS, Parts } from "./parts";

/** What all pages of a session have above them: its name and state, and the ways between them. The tab is called by both. */
export function SessionFrame({ sessionId, children }: { sessionId: string; children: ReactNode }) {
  const { workspaceId, live } = useRoom();
  const session = useLive(live, (state) => state.sessions.get(sessionId));
  const ready = useLive(live, (state) => state.ready);
  const activity = useActivities(live)(sessionId);
  const [path] = useLocation();
  const part = PARTS.find((known) => path === `/w/${workspaceId}/s/${sessionId}${known.path}`);
  const asks = useDocumentVisibility() === "hidden" && activity.waiting > 0;
  const names = [session?.name, part?.label, "hostel"].filter((name) => name !== undefined);
  useDocumentTitle(`${asks ? "(!) " : ""}${names.join(" · ")}`);
  if (session === undefined)
    return ready ? <EmptyState title="There is no such session">It was deleted, or never was.</EmptyState> : <LoadingState />;
  return (
    <div className="session">
      <div className={styles["frame"]}>
        <Head session={session} activity={activity} />
        {session.status === "ready" && <Parts session={session} activity={activity} />}
      </div>
      <div className="session-body">{session.status === "ready" ? children : <CloneState session={session} />}</div>
    </div>
  );
}
