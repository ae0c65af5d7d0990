import { useMemo } from "react";
import { roomKey } from "#/room/key";
import { useRoom } from "#/room/room";
import { Page } from "#/ui/page";
import { EmptyState } from "#/ui/states";
import { Connect } from "./connect";
import { workspaceKeys } from "./keyring";
import { KeysPanel } from "./panel";

/** The keys of a workspace, and what connects an agent to it. */
export default function Keys() {
  const { workspaceId, api, may } = useRoom();
  const keyring = useMemo(() => workspaceKeys(api, workspaceId, roomKey(workspaceId, "keys")), [api, workspaceId]);
  return (
    <Page title="Keys" description="What lets programs into this workspace, and how to connect an agent to it.">
      {may("keys:read") ? (
        <KeysPanel
          keyring={keyring}
          writes={may("keys:write")}
          below={(revealed) => <Connect revealed={revealed?.key ?? null} />}
        />
      ) : (
        <>
          <EmptyState title="Keys are for those who manage the workspace">
            Ask an administrator of it for a key. With one you can connect an agent as below.
          </EmptyState>
          <Connect revealed={null} />
        </>
      )}
    </Page>
  );
}
