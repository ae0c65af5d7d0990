import { Route, Switch } from "wouter";
import { useRoom } from "#/room/room";
import { loaded } from "#/ui/loaded";
import { EmptyState } from "#/ui/states";
import { SessionFrame } from "./frame";

const Chat = loaded(() => import("#/pages/chat"));
const Terminals = loaded(() => import("#/pages/terminals"));
const Files = loaded(() => import("#/pages/files"));
const Changes = loaded(() => import("#/pages/changes"));

/** The pages of one session, below a head that they share. */
export default function SessionPages({ sessionId }: { sessionId: string }) {
  const { workspaceId } = useRoom();
  const at = `/w/${workspaceId}/s/${sessionId}`;
  return (
    <SessionFrame sessionId={sessionId}>
      <Switch>
        <Route path={at}>
          <Chat sessionId={sessionId} />
        </Route>
        <Route path={`${at}/terminals`}>
          <Terminals sessionId={sessionId} />
        </Route>
        <Route path={`${at}/files`}>
          <Files sessionId={sessionId} />
        </Route>
        <Route path={`${at}/changes`}>
          <Changes sessionId={sessionId} />
        </Route>
        <Route>
          <EmptyState title="There is no such page" />
        </Route>
      </Switch>
    </SessionFrame>
  );
}
