import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { answer } from "#/api/client";
import type { StatusView } from "#/api/schema";
import { type Place, useTurnEnds } from "#/pages/files/place";
import { useRoom } from "#/room/room";
import { type Comparison, diffQuery } from "./comparison";

/** Where git's routes of a session are. */
export const GIT = "/api/workspaces/{workspaceId}/sessions/{sessionId}/git";

/** Where the place is, and what differs in it. */
export function useStatus(place: Place) {
  const { api } = useRoom();
  return useQuery({
    queryKey: place.key("git", "status"),
    queryFn: () => answer(api.GET(`${GIT}/status`, { params: { path: place.path, query: place.query } })),
  });
}

/** The differences of a comparison, in `path` alone if it is not "". */
export function useDiff(place: Place, wanted: Comparison, path = "", enabled = true) {
  const { api } = useRoom();
  return useQuery({
    queryKey: place.key("git", "diff", wanted, path),
    queryFn: ({ signal }) =>
      wanted.kind === "turn"
        ? answer(
            api.GET("/api/workspaces/{workspaceId}/sessions/{sessionId}/turns/{turnId}/diff", {
              params: { path: { ...place.path, turnId: wanted.turnId }, query: { path } },
              signal,
            }),
          )
        : answer(
            api.GET(`${GIT}/diff`, {
              params: { path: place.path, query: { ...place.query, ...diffQuery(wanted), path } },
              signal,
            }),
          ),
    placeholderData: keepPreviousData,
    enabled,
  });
}

/** The branches of the clone and of its remotes. */
export function useBranches(place: Place) {
  const { api } = useRoom();
  return useQuery({
    queryKey: place.key("git", "branches"),
    queryFn: () => answer(api.GET(`${GIT}/branches`, { params: { path: place.path, query: place.query } })),
  });
}

/** The history of the head, a page at a time. */
export function useLog(place: Place) {
  const { api } = useRoom();
  return useInfiniteQuery({
    queryKey: place.key("git", "log"),
    initialPageParam: "",
    queryFn: ({ pageParam }) =>
      answer(
        api.GET(`${GIT}/log`, {
          params: { path: place.path, query: { ...place.query, ...(pageParam && { cursor: pageParam }) } },
        }),
      ),
    getNextPageParam: (page) => page.nextCursor,
  });
}

/** Read again what git says, and which files there are: at once, and whenever an agent's turn has ended. */
export function useGitRefresh(place: Place): (status?: StatusView) => void {
  const queries = useQueryClient();
  const refresh = useCallback(
    (status?: StatusView) => {
      if (status) queries.setQueryData(place.key("git", "status"), status);
      void queries.invalidateQueries({ queryKey: place.key("git") });
      void queries.invalidateQueries({ queryKey: place.key("files") });
    },
    [queries, place],
  );
  useTurnEnds(place, refresh);
  return refresh;
}
