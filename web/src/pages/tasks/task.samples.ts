import type { TaskDetailView } from "#/api/schema";
import { WORKSPACE } from "#/testing/page";

/** A task as the API tells it, for tests. */
export function sample(change: Partial<TaskDetailView> = {}): TaskDetailView {
  return {
    taskId: "ta000000000000000000000001",
    workspaceId: WORKSPACE,
    status: "queued",
    excerpt: "Review the changes",
    agent: "claude",
    sessionId: null,
    worktreeId: null,
    turnId: null,
    attempt: 0,
    attempts: 1,
    timeout: 3600,
    notBefore: "2026-01-01T00:00:00Z",
    permissions: "deny",
    keepSession: true,
    scheduleId: null,
    fireAt: null,
    createdAt: "2026-01-01T00:00:00Z",
    createdBy: WORKSPACE,
    startedAt: null,
    endedAt: null,
    error: null,
    stopReason: null,
    usage: null,
    prompt: "Review the changes\nand say what is risky",
    model: null,
    mode: null,
    repoUrl: null,
    ref: null,
    result: null,
    resultTruncated: false,
    ...change,
  };
}
