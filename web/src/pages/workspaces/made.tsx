import { Alert, Button, Code, Group, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { answer } from "#/api/client";
import { api } from "#/api/identity";
import type { Me, NewWorkspaceView } from "#/api/schema";
import { Parts } from "#/pages/settings/parts";
import { roomKey } from "#/room/key";
import { openRoom } from "#/room/unlock";
import { Copy, Reveal } from "#/ui/copy";
import { useLeaving } from "#/ui/leaving";
import { complain } from "#/ui/notify";
import { Page } from "#/ui/page";
import { State } from "./state";

/** Milliseconds between two looks at a workspace that is being made. */
const SOON = 1500;

/** A workspace that was just made: how far it is, its secret, which is shown this once, and the way in. */
export function Made({ me, made }: { me: Me; made: NewWorkspaceView }) {
  const { workspaceId, workspaceSecret } = made;
  const [, go] = useLocation();
  const [taken, setTaken] = useState(false);
  const [busy, setBusy] = useState(false);
  const query = useQuery({
    queryKey: roomKey(workspaceId, "made"),
    queryFn: () => answer(api.GET("/api/workspaces/{workspaceId}", { params: { path: { workspaceId } } })),
    initialData: made,
    refetchInterval: ({ state }) => (state.data?.status === "provisioning" ? SOON : false),
  });
  useLeaving(taken ? null : "The secret of the workspace was not copied, and is not shown again. Leave all the same?");

  const enter = async () => {
    setBusy(true);
    try {
      // A person enters as who they are; an administrator does not enter rooms, but has just been given this one's secret.
      if (me.role === "admin") await openRoom(workspaceId, workspaceSecret);
      go(`/w/${workspaceId}`);
    } catch (failure) {
      complain(failure, "The workspace could not be opened");
    } finally {
      setBusy(false);
    }
  };

  const { name, status, errorReason } = query.data;
  return (
    <Page
      title={name}
      description={
        <Group gap={4}>
          <Code>{workspaceId}</Code>
          <Copy value={workspaceId} label="the workspace's id" />
          <State status={status} />
        </Group>
      }
    >
      <Stack gap="lg" maw={640}>
        <Alert color="blue" variant="light" title="Keep the workspace's secret">
          <Stack gap="sm">
            <span>
              With its id and this secret anybody signs in to the workspace
              {me.role === "admin" && ", and an administrator opens it"}.
            </span>
            <Reveal
              label="Workspace secret"
              value={workspaceSecret}
              file={`${workspaceId}.secret.txt`}
              onTaken={() => setTaken(true)}
            />
          </Stack>
        </Alert>
        <Parts api={api} workspaceId={workspaceId} writes reveals={false} />
        <Group gap="xs">
          <Button onClick={() => void enter()} loading={busy || status === "provisioning"} disabled={status !== "ready"}>
            Open the workspace
          </Button>
          <Button component={Link} href={`/w/${workspaceId}/settings`} variant="default">
            Settings
          </Button>
        </Group>
        {errorReason && <span role="status">It can be opened once it could be made: retry what has failed.</span>}
      </Stack>
    </Page>
  );
}
