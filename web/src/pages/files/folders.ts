import { useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import type { Api } from "#/api/client";
import { answer, everything, LIST_MAX } from "#/api/client";
import type { FileView } from "#/api/schema";
import { useRoom } from "#/room/room";
import { type Place, useTurnEnds } from "./place";
import { type Folder, type Mark, marksOf, sorted } from "./tree";

const NO_MARKS: ReadonlyMap<string, Mark> = new Map();

/** The entries of a folder, up to LIST_MAX. */
function listFolder(api: Api, place: Place, path: string): Promise<FileView[]> {
  return everything((cursor) =>
    answer(
      api.GET("/api/workspaces/{workspaceId}/sessions/{sessionId}/files", {
        params: { path: place.path, query: { ...place.query, path, limit: 500, ...(cursor && { cursor }) } },
      }),
    ),
  );
}

/** The folders `paths`, as far as they are known. They are read again when an agent's turn has ended. */
export function useFolders(place: Place, paths: readonly string[]): ReadonlyMap<string, Folder> {
  const { api } = useRoom();
  const refresh = useRefresh(place);
  useTurnEnds(place, refresh);
  const combine = useCallback(
    (results: { data: FileView[] | undefined; error: unknown }[]) =>
      new Map(
        results.map(({ data, error }, at): [string, Folder] => [
          paths[at] ?? "",
          { entries: data, error, more: (data?.length ?? 0) >= LIST_MAX },
        ]),
      ),
    [paths],
  );
  return useQueries({
    queries: paths.map((path) => ({
      queryKey: place.key("files", "folder", path),
      queryFn: async () => sorted(await listFolder(api, place, path)),
    })),
    combine,
  });
}

/** Read all again that is shown of the files. */
export function useRefresh(place: Place): () => void {
  const queries = useQueryClient();
  return useCallback(() => {
    void queries.invalidateQueries({ queryKey: place.key("files") });
    void queries.invalidateQueries({ queryKey: place.key("git") });
  }, [queries, place]);
}

/** What git says of files and folders; nothing while it does not. */
export function useMarks(place: Place): ReadonlyMap<string, Mark> {
  const { api, may } = useRoom();
  const status = useQuery({
    queryKey: place.key("git", "status"),
    queryFn: () =>
      answer(
        api.GET("/api/workspaces/{workspaceId}/sessions/{sessionId}/git/status", {
          params: { path: place.path, query: place.query },
        }),
      ),
    enabled: may("git:read"),
  });
  return useMemo(() => (status.data ? marksOf(status.data.entries) : NO_MARKS), [status.data]);
}
