import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo } from "react";
import { type Api, answer, createApi, everything } from "#/api/client";
import { expire, api as main, useExpired } from "#/api/identity";
import { forgetRoom, roomToken, useRoomToken } from "#/api/rooms";
import type { Scope, SessionView } from "#/api/schema";
import { RoomLive } from "#/live/room";
import { NamesProvider } from "#/names/names";
import { ErrorState, LoadingState } from "#/ui/states";
import { roomKey } from "./key";
import { Lost } from "./lost";

/** The workspace that the page is about, and what its person may do there. */
export interface Room {
  workspaceId: string;
  /** The API with the best credential for this room. */
  api: Api;
  /** The token to send where `api` is not used; null for the session cookie. */
  bearer: () => string | null;
  may: (scope: Scope) => boolean;
  live: RoomLive;
}

const Context = createContext<Room | null>(null);

/** The room of the page. Only below a RoomProvider. */
export function useRoom(): Room {
  const room = useContext(Context);
  if (room === null) throw new Error("useRoom is for what is inside of a RoomProvider");
  return room;
}

function sessionsOf(client: Api, workspaceId: string): Promise<SessionView[]> {
  const path = { workspaceId };
  return everything((cursor) =>
    answer(
      client.GET("/api/workspaces/{workspaceId}/sessions", {
        params: { path, query: { limit: 100, ...(cursor && { cursor }) } },
      }),
    ),
  );
}

/** Asks what may be done in the workspace, and follows its events while the page is open. */
export function RoomProvider({ workspaceId, children }: { workspaceId: string; children: ReactNode }) {
  const opened = useRoomToken(workspaceId) !== null;
  const queries = useQueryClient();
  const client = useMemo(
    () =>
      opened
        ? createApi(
            () => roomToken(workspaceId),
            () => forgetRoom(workspaceId),
          )
        : main,
    [opened, workspaceId],
  );
  const access = useQuery({
    queryKey: roomKey(workspaceId, "access", opened),
    queryFn: () => answer(client.GET("/api/workspaces/{workspaceId}/access", { params: { path: { workspaceId } } })),
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: what another credential was told is not shown to this one
  const live = useMemo(() => new RoomLive(), [workspaceId, opened]);
  const reads = access.data?.scopes.includes("sessions:read") ?? false;
  // The stream ends with the sign-in, and begins anew with the next.
  const lapsed = useExpired() && !opened;
  const follows = reads && !lapsed;
  useEffect(
    () =>
      follows
        ? live.follow(
            workspaceId,
            () => roomToken(workspaceId),
            () => sessionsOf(client, workspaceId),
          )
        : undefined,
    [live, workspaceId, client, follows],
  );
  useEffect(
    () =>
      live.refused.subscribe(() => {
        const refused = live.refused.get();
        if (refused === null) return;
        if (refused.status !== 401) void queries.invalidateQueries({ queryKey: roomKey(workspaceId, "access") });
        else if (opened) forgetRoom(workspaceId);
        else expire();
      }),
    [live, queries, workspaceId, opened],
  );
  useEffect(() => () => queries.removeQueries({ queryKey: roomKey(workspaceId) }), [queries, workspaceId]);
  const scopes = access.data?.scopes;
  const room = useMemo(
    () =>
      scopes && {
        workspaceId,
        api: client,
        bearer: () => roomToken(workspaceId),
        may: (scope: Scope) => scopes.includes(scope),
        live,
      },
    [workspaceId, client, scopes, live],
  );
  const place = useMemo(() => ({ kind: "workspace" as const, workspaceId }), [workspaceId]);
  const queryKey = useMemo(() => roomKey(workspaceId), [workspaceId]);
  // What was found before is still shown when asking again fails: what was typed below stays.
  if (!room) {
    if (access.isError) return <ErrorState error={access.error} retry={() => void access.refetch()} />;
    return <LoadingState label="Opening the workspace" />;
  }
  return (
    <Context value={room}>
      <Lost error={access.error} />
      <NamesProvider place={place} api={client} queryKey={queryKey}>
        {children}
      </NamesProvider>
    </Context>
  );
}
