import type { PermissionView, SessionView, TerminalView, TurnView } from "#/api/schema";
import { WORKSPACE } from "./page";

/** A session as the API shows it. */
export function session(with_: Partial<SessionView> = {}): SessionView {
  return {
    sessionId: "s000000000000000000000001",
    workspaceId: WORKSPACE,
    name: "compiler",
    status: "ready",
    repoUrl: "https://example.org/tools/compiler.git",
    ref: null,
    progress: null,
    errorReason: null,
    createdAt: "2026-01-01T00:00:00Z",
    lastActivity: "2026-01-01T00:00:00Z",
    shutdownDeadline: null,
    usage: null,
    ...with_,
  };
}

/** A turn that runs in it. */
export function turn(with_: Partial<TurnView> = {}): Partial<TurnView> {
  return { turnId: "u1", sessionId: session().sessionId, workspaceId: WORKSPACE, status: "running", ...with_ };
}

/** A permission that waits in it. */
export function permission(with_: Partial<PermissionView> = {}): Partial<PermissionView> {
  return { permissionId: "p1", sessionId: session().sessionId, workspaceId: WORKSPACE, waiting: true, ...with_ };
}

/** A terminal that runs in it. */
export function terminal(with_: Partial<TerminalView> = {}): Partial<TerminalView> {
  return { terminalId: "t1", sessionId: session().sessionId, workspaceId: WORKSPACE, status: "running", ...with_ };
}
