import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import type { WorkspaceChange, WorkspaceView } from "#/api/schema";
import { roomKey } from "#/room/key";
import { type Room, useRoom } from "#/room/room";

/** Milliseconds between two looks at a workspace that is being made. */
const SOON = 1500;

/** A workspace, and the tag that says whether it is still so. */
export interface Seen {
  view: WorkspaceView;
  etag: string | null;
}

/** The workspace of a room, as its settings show it. */
export function workspaceQuery({ workspaceId, api }: Room) {
  return queryOptions({
    queryKey: roomKey(workspaceId, "workspace"),
    queryFn: async () => seen(await api.GET("/api/workspaces/{workspaceId}", { params: { path: { workspaceId } } })),
    refetchInterval: ({ state }) => (state.data?.view.status === "provisioning" ? SOON : false),
  });
}

/** What an answer shows. */
export function seen({ data, response }: { data?: WorkspaceView; response: Response }): Seen {
  if (data === undefined) throw new Error("The server answered without the workspace.");
  return { view: data, etag: response.headers.get("ETag") };
}

/** Change the workspace. `etag`: only while it is so; null: however it is now. */
export function useChange() {
  const room = useRoom();
  const queries = useQueryClient();
  const { workspaceId, api } = room;
  const { queryKey } = workspaceQuery(room);
  return useMutation({
    mutationFn: async ({ body, etag }: { body: WorkspaceChange; etag: string | null }) =>
      seen(
        await api.PATCH("/api/workspaces/{workspaceId}", {
          params: { path: { workspaceId }, ...(etag !== null && { header: { "If-Match": etag } }) },
          body,
        }),
      ),
    onSuccess: (changed) => queries.setQueryData(queryKey, changed),
  });
}
