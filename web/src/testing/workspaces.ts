import type { WorkspaceView } from "#/api/schema";
import { WORKSPACE } from "./page";

/** A workspace as the API shows it. */
export function workspace(with_: Partial<WorkspaceView> = {}): WorkspaceView {
  return {
    workspaceId: WORKSPACE,
    organisationId: null,
    name: "Payments",
    status: "ready",
    errorReason: null,
    providers: {},
    createdAt: "2026-01-01T00:00:00Z",
    updatedAt: "2026-01-01T00:00:00Z",
    shutdownDeadline: null,
    deletedAt: null,
    purgesAt: null,
    ...with_,
  };
}

/** Its place in a long list. */
export function numbered(number: number, with_: Partial<WorkspaceView> = {}): WorkspaceView {
  return workspace({ workspaceId: `w${String(number).padStart(24, "0")}`, name: `Workspace ${number}`, ...with_ });
}
