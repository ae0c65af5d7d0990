import { Button, Stack, Text } from "@mantine/core";
import { useState, useSyncExternalStore } from "react";
import { answer, newKey } from "#/api/client";
import { useMe } from "#/api/identity";
import { Store } from "#/api/store";
import { signInToWorkspace } from "#/pages/signin/redeem";
import { useRoom } from "#/room/room";
import { openRoom } from "#/room/unlock";
import { Confirm } from "#/ui/confirm";
import { Reveal } from "#/ui/copy";
import { useLeaving } from "#/ui/leaving";
import { complain } from "#/ui/notify";

/** The new secret, until it is put away. It outlives the page, for the rotation ends the sign-in by which that is shown. */
const rotated = new Store<{ workspaceId: string; secret: string } | null>(null);

/** Replace the workspace's secret; the new one is shown once. */
export function Secret() {
  const { workspaceId, api, bearer, may } = useRoom();
  const { data: me } = useMe();
  // A try whose answer was lost is repeated, and tells the same secret.
  const [key, setKey] = useState(newKey);
  const [taken, setTaken] = useState(false);
  const found = useSyncExternalStore(rotated.subscribe, rotated.get);
  const secret = found?.workspaceId === workspaceId ? found.secret : null;
  useLeaving(secret !== null && !taken ? "The new secret was not copied, and is not shown again. Leave all the same?" : null);

  if (!may("secret:rotate"))
    return <Text size="sm">Only those who may do all that the workspace may can replace its secret: open it first.</Text>;

  const rotate = async () => {
    const call = api.POST("/api/workspaces/{workspaceId}/secret/rotate", {
      params: { path: { workspaceId }, header: { "Idempotency-Key": key } },
    });
    const { workspaceSecret } = await answer(call);
    setKey(newKey);
    setTaken(false);
    rotated.set({ workspaceId, secret: workspaceSecret });
    try {
      if (bearer() !== null) await openRoom(workspaceId, workspaceSecret);
      else if (me?.role === "workspace") await signInToWorkspace(workspaceId, workspaceSecret);
    } catch (failure) {
      complain(failure, "Sign in again with the new secret");
    }
  };

  if (secret === null)
    return (
      <Confirm
        title="Replace the workspace's secret?"
        text="All that signed in with the old one is signed out at once, and what it holds open is closed. Keys stay as they are."
        act={rotate}
      >
        Replace the secret
      </Confirm>
    );
  return (
    <Stack gap="sm" align="flex-start">
      <Reveal label="New workspace secret" value={secret} file={`${workspaceId}.secret.txt`} onTaken={() => setTaken(true)} />
      <Button size="xs" variant="default" onClick={() => rotated.set(null)}>
        I have kept it
      </Button>
    </Stack>
  );
}
