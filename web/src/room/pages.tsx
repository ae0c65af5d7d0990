import type { ComponentType } from "react";
import { Route, Switch } from "wouter";
import { Indicator } from "#/live/indicator";
import { DeadlineWarnings } from "#/pages/sessions/deadlines";
import { loaded } from "#/ui/loaded";
import { EmptyState } from "#/ui/states";
import { RoomProvider } from "./room";
import { Unlock } from "./unlock";

const Session = loaded(() => import("#/pages/session"));

/** The pages of a workspace that happen inside of its room: an administrator has to open it first. */
const INSIDE: Readonly<Record<string, ComponentType>> = {
  "": loaded(() => import("#/pages/sessions")),
  "/transcripts": loaded(() => import("#/pages/transcripts")),
  "/transcripts/:transcriptId": loaded(() => import("#/pages/transcripts/transcript")),
  "/tasks": loaded(() => import("#/pages/tasks")),
  "/tasks/:taskId": loaded(() => import("#/pages/tasks/task")),
  "/schedules": loaded(() => import("#/pages/schedules")),
  "/channels": loaded(() => import("#/pages/channels")),
  "/channels/:channelId": loaded(() => import("#/pages/channels")),
  "/secrets": loaded(() => import("#/pages/secrets")),
};

/** Those that manage it from outside. */
const OUTSIDE: Readonly<Record<string, ComponentType>> = {
  "/usage": loaded(() => import("#/pages/usage")),
  "/keys": loaded(() => import("#/pages/keys")),
  "/webhooks": loaded(() => import("#/pages/webhooks")),
  "/webhooks/:webhookId": loaded(() => import("#/pages/webhooks/webhook")),
  "/audit": loaded(() => import("#/pages/audit")),
  "/settings": loaded(() => import("#/pages/settings")),
};

export default function RoomPages({ workspaceId }: { workspaceId: string }) {
  const at = `/w/${workspaceId}`;
  return (
    <RoomProvider workspaceId={workspaceId}>
      <Indicator />
      <DeadlineWarnings />
      <Switch>
        <Route path={`${at}/s/:sessionId/*?`}>
          {({ sessionId }) => (
            <Unlock>
              <Session key={sessionId} sessionId={sessionId} />
            </Unlock>
          )}
        </Route>
        {Object.entries(INSIDE).map(([path, Page]) => (
          <Route key={path} path={at + path}>
            {(params) => (
              <Unlock>
                <Page key={Object.values(params).join()} />
              </Unlock>
            )}
          </Route>
        ))}
        {Object.entries(OUTSIDE).map(([path, Page]) => (
          <Route key={path} path={at + path}>
            {(params) => <Page key={Object.values(params).join()} />}
          </Route>
        ))}
        <Route>
          <EmptyState title="There is no such page">The address may be mistyped, or what it showed is gone.</EmptyState>
        </Route>
      </Switch>
    </RoomProvider>
  );
}
