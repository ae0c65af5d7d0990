import { useQuery } from "@tanstack/react-query";
import { answer } from "#/api/client";
import type { FileView } from "#/api/schema";
import { roomKey } from "#/room/key";
import { useRoom } from "#/room/room";
import { fitting, type Mention, parted } from "./mention";

/** Paths that are offered. */
const OFFERED = 12;
/** Entries of one page, as the API has it, and how many levels are looked into for those that stand deeper. */
const PAGE = 500;
const DEPTH = 4;

/** The files and folders that fit what is being written behind an `@`; none while nothing is. */
export function usePaths(sessionId: string, worktree: string | null, mention: Mention | null): readonly FileView[] {
  const { api, workspaceId, may } = useRoom();
  const { folder, name } = parted(mention?.query ?? "");
  const found = useQuery({
    queryKey: roomKey(workspaceId, "sessions", sessionId, "paths", worktree, folder),
    queryFn: async () => {
      const list = async (depth: number) => {
        const query = { path: folder, depth, limit: PAGE, ...(worktree !== null && { worktree }) };
        const get = api.GET("/api/workspaces/{workspaceId}/sessions/{sessionId}/files", {
          params: { path: { workspaceId, sessionId }, query },
        });
        return (await answer(get)).items;
      };
      // A page of what is deeper may end before the folder's own entries do.
      const [near, deep] = await Promise.all([list(1), list(DEPTH)]);
      return [...new Map([...near, ...deep].map((file) => [file.path, file])).values()];
    },
    enabled: mention !== null && may("files:read"),
    retry: false,
  });
  return mention === null ? [] : fitting(found.data ?? [], name, OFFERED);
}
