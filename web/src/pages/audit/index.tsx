import { useMemo } from "react";
import { roomKey } from "#/room/key";
import { useRoom } from "#/room/room";
import { Page } from "#/ui/page";
import { EmptyState } from "#/ui/states";
import { workspaceAudit } from "./source";
import { AuditTable } from "./table";

/** Who did what to a workspace, or was refused. */
export default function Audit() {
  const room = useRoom();
  const source = useMemo(() => workspaceAudit(room, roomKey(room.workspaceId, "audit")), [room]);
  return (
    <Page title="Audit" description="What was done to this workspace, or refused, and by whom. Nobody changes it." wide>
      {room.may("audit:read") ? (
        <AuditTable source={source} />
      ) : (
        <EmptyState title="The log is for those who may read it">This credential has no right to it.</EmptyState>
      )}
    </Page>
  );
}
