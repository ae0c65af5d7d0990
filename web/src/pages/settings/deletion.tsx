import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { useMe } from "#/api/identity";
import type { WorkspaceView } from "#/api/schema";
import { WORKSPACES } from "#/live/rows";
import { roomKey } from "#/room/key";
import { useRoom } from "#/room/room";
import { Confirm } from "#/ui/confirm";
import { complain, say } from "#/ui/notify";
import { absolute, Countdown } from "#/ui/time";
import { type Seen, seen, workspaceQuery } from "./workspace";

/** Delete the workspace. */
export function Deletion({ view }: { view: WorkspaceView }) {
  const room = useRoom();
  const { workspaceId, api } = room;
  const queries = useQueryClient();
  const { data: me } = useMe();
  const [, go] = useLocation();
  const remove = async () => {
    const deleted = seen(await api.DELETE("/api/workspaces/{workspaceId}", { params: { path: { workspaceId } } }));
    const until = deleted.view.purgesAt;
    say(until ? `The workspace is locked. Until ${absolute(until)} it can be restored.` : "The workspace is deleted.");
    await queries.invalidateQueries({ queryKey: WORKSPACES });
    if (me?.role === "workspace") queries.setQueryData(workspaceQuery(room).queryKey, deleted);
    else go("/");
  };
  return (
    <Stack gap="sm" align="flex-start">
      <Text size="sm">
        All that runs in it ends, and nobody enters. For some time it is kept and can be restored; then its files and its Linux
        user are removed for good.
      </Text>
      <Confirm
        title={`Delete ${view.name}?`}
        text="All that runs in it is ended now: terminals, agents, tasks. The page then says until when it can be restored."
        typed={view.name}
        act={remove}
      >
        Delete the workspace
      </Confirm>
    </Stack>
  );
}

/** What is left to do with a workspace that was deleted: restore it while that is possible. */
export function Deleted({ view }: { view: WorkspaceView }) {
  const room = useRoom();
  const { workspaceId, api, may } = room;
  const queries = useQueryClient();
  const restore = useMutation({
    mutationFn: async (): Promise<Seen> =>
      seen(await api.POST("/api/workspaces/{workspaceId}/restore", { params: { path: { workspaceId } } })),
    onSuccess: async (restored) => {
      queries.setQueryData(workspaceQuery(room).queryKey, restored);
      say("The workspace is back as it was");
      // What may be done there is more again.
      await queries.invalidateQueries({ queryKey: roomKey(workspaceId) });
      await queries.invalidateQueries({ queryKey: WORKSPACES });
    },
    onError: (error) => complain(error, "The workspace was not restored"),
  });
  return (
    <Alert color="orange" variant="light" title={`${view.name} was deleted`} maw={640}>
      <Stack gap="sm">
        <span>
          It is locked, and kept as it was.{" "}
          {view.purgesAt && (
            <>
              In <Countdown at={view.purgesAt} />, on {absolute(view.purgesAt)}, it is removed for good.
            </>
          )}
        </span>
        {may("workspaces:delete") && (
          <Group>
            <Button size="xs" loading={restore.isPending} onClick={() => restore.mutate()}>
              Restore the workspace
            </Button>
          </Group>
        )}
      </Stack>
    </Alert>
  );
}
