import { Select, SimpleGrid } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { answer } from "#/api/client";
import { useLive } from "#/live/room";
import { roomKey, useRoom } from "#/room/room";
import type { PartProps } from "./fields";

/** Which session of the workspace, and which worktree of it. */
export function SessionFields({ draft, set, wrong }: PartProps) {
  const { workspaceId, api, live } = useRoom();
  const sessions = useLive(live, (state) => state.sessions);
  const worktrees = useQuery({
    queryKey: roomKey(workspaceId, "worktrees", draft.sessionId),
    enabled: draft.sessionId !== "",
    queryFn: () =>
      answer(
        api.GET("/api/workspaces/{workspaceId}/sessions/{sessionId}/worktrees", {
          params: { path: { workspaceId, sessionId: draft.sessionId } },
        }),
      ),
  });
  const ready = [...sessions.values()]
    .filter(({ status }) => status === "ready")
    .sort((one, other) => other.lastActivity.localeCompare(one.lastActivity));
  return (
    <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
      <Select
        label="Session"
        data={ready.map(({ sessionId, name }) => ({ value: sessionId, label: name }))}
        value={draft.sessionId || null}
        onChange={(value) => set({ sessionId: value ?? "", worktreeId: "" })}
        error={wrong("sessionId")}
        nothingFoundMessage="No session is ready"
        limit={50}
        searchable
        required
      />
      <Select
        label="Worktree"
        placeholder="The session's own files"
        data={worktrees.data?.items.map(({ worktreeId, name }) => ({ value: worktreeId, label: name })) ?? []}
        value={draft.worktreeId || null}
        onChange={(value) => set({ worktreeId: value ?? "" })}
        error={wrong("worktreeId")}
        disabled={draft.sessionId === ""}
        clearable
      />
    </SimpleGrid>
  );
}
