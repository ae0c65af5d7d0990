import { Select, SimpleGrid } from "@mantine/core";
import { useLive } from "#/live/room";
import { useRoom } from "#/room/room";
import { useWorktrees } from "#/room/worktrees";
import type { PartProps } from "./draft";

/** Which session of the workspace, and which worktree of it. */
export function SessionFields({ draft, set, wrong }: PartProps) {
  const { live } = useRoom();
  const sessions = useLive(live, (state) => state.sessions);
  const worktrees = useWorktrees(draft.sessionId, draft.sessionId !== "");
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
        data={worktrees.data?.map(({ worktreeId, name }) => ({ value: worktreeId, label: name })) ?? []}
        value={draft.worktreeId || null}
        onChange={(value) => set({ worktreeId: value ?? "" })}
        error={wrong("worktreeId")}
        disabled={draft.sessionId === ""}
        clearable
      />
    </SimpleGrid>
  );
}
