import { answer } from "#/api/client";
import type { SessionView } from "#/api/schema";
import type { RoomLive } from "#/live/room";
import { reduce } from "#/live/state";
import type { Room } from "#/room/room";

/** Show a session that was just made. Where the stream of events has told of it already, that is newer. */
export function introduce(live: RoomLive, session: SessionView): void {
  if (!live.state.get().sessions.has(session.sessionId)) learn(live, session);
}

/** Show what a call has answered; the stream of events tells the same, soon. */
function learn(live: RoomLive, session: SessionView): void {
  live.patch((state) => reduce(state, { name: "session", data: JSON.stringify(session) }));
}

function pathOf(workspaceId: string, sessionId: string) {
  return { params: { path: { workspaceId, sessionId } } };
}

/** Use the session, so that its deadline moves. */
export async function keepAlive({ api, workspaceId, live }: Room, sessionId: string): Promise<void> {
  const to = "/api/workspaces/{workspaceId}/sessions/{sessionId}/keepalive";
  learn(live, await answer(api.POST(to, pathOf(workspaceId, sessionId))));
}

/** Give it another name. */
export async function rename({ api, workspaceId, live }: Room, sessionId: string, name: string): Promise<void> {
  const to = "/api/workspaces/{workspaceId}/sessions/{sessionId}";
  learn(live, await answer(api.PATCH(to, { ...pathOf(workspaceId, sessionId), body: { name } })));
}

/** Delete it, with what runs in it and its files. */
export async function remove({ api, workspaceId, live }: Room, sessionId: string): Promise<void> {
  await answer(api.DELETE("/api/workspaces/{workspaceId}/sessions/{sessionId}", pathOf(workspaceId, sessionId)));
  live.patch((state) => reduce(state, { name: "sessionDeleted", data: JSON.stringify({ sessionId, workspaceId }) }));
}

/** Ask anew how it is: what moves its deadline in a terminal or by files is told to nobody. This is no use of it. */
export async function refresh({ api, workspaceId, live }: Room, sessionId: string): Promise<SessionView> {
  const to = "/api/workspaces/{workspaceId}/sessions/{sessionId}";
  const session = await answer(api.GET(to, pathOf(workspaceId, sessionId)));
  live.patch((state) => {
    const known = state.sessions.has(sessionId);
    return known ? { ...state, sessions: new Map(state.sessions).set(sessionId, session) } : state;
  });
  return session;
}
