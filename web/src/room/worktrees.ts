import { useQuery } from "@tanstack/react-query";
import { answer, everything } from "#/api/client";
import { roomKey } from "./key";
import { useRoom } from "./room";

/** The worktrees of a session, oldest first. Asking starts the workspace's guest, so ask when they are wanted. */
export function useWorktrees(sessionId: string, wanted = true) {
  const { api, workspaceId } = useRoom();
  return useQuery({
    queryKey: roomKey(workspaceId, "worktrees", sessionId, "all"),
    enabled: wanted,
    queryFn: () =>
      everything((cursor) =>
        answer(
          api.GET("/api/workspaces/{workspaceId}/sessions/{sessionId}/worktrees", {
            params: { path: { workspaceId, sessionId }, query: { limit: 100, ...(cursor && { cursor }) } },
          }),
        ),
      ),
  });
}
