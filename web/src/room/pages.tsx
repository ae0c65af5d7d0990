import { type ComponentType, lazy, Suspense } from "react";
import { Route, Switch } from "wouter";
import { Indicator } from "#/live/indicator";
import { DeadlineWarnings } from "#/pages/sessions/deadlines";
import { EmptyState, LoadingState } from "#/ui/states";
import { RoomProvider } from "./room";
import { Unlock } from "./unlock";

const Session = lazy(() => import("#/pages/session"));

/** The pages of a workspace that happen inside of its room: an administrator has to open it first. */
const INSIDE: Readonly<Record<string, ComponentType>> = {
  "": lazy(() => import("#/pages/sessions")),
  "/transcripts": lazy(() => import("#/pages/transcripts")),
  "/transcripts/:transcriptId": lazy(() => import("#/pages/transcripts/transcript")),
  "/tasks": lazy(() => import("#/pages/tasks")),
  "/tasks/:taskId": lazy(() => import("#/pages/tasks/task")),
  "/schedules": lazy(() => import("#/pages/schedules")),
  "/channels": lazy(() => import("#/pages/channels")),
  "/channels/:channelId": lazy(() => import("#/pages/channels")),
  "/secrets": lazy(() => import("#/pages/secrets")),
};

/** Those that manage it from outside. */
const OUTSIDE: Readonly<Record<string, ComponentType>> = {
  "/usage": lazy(() => import("#/pages/usage")),
  "/keys": lazy(() => import("#/pages/keys")),
  "/webhooks": lazy(() => import("#/pages/webhooks")),
  "/webhooks/:webhookId": lazy(() => import("#/pages/webhooks/webhook")),
  "/audit": lazy(() => import("#/pages/audit")),
  "/settings": lazy(() => import("#/pages/settings")),
};

export default function RoomPages({ workspaceId }: { workspaceId: string }) {
  const at = `/w/${workspaceId}`;
  return (
    <RoomProvider workspaceId={workspaceId}>
      <Indicator />
      <DeadlineWarnings />
      <Suspense fallback={<LoadingState />}>
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
      </Suspense>
    </RoomProvider>
  );
}
