import type { EntryView, TranscriptView } from "#/api/schema";
import { WORKSPACE } from "#/testing/page";

/** A transcript as the API shows it. */
export function transcript(with_: Partial<TranscriptView> = {}): TranscriptView {
  return {
    transcriptId: "tr1",
    workspaceId: WORKSPACE,
    agent: "claude",
    nativeId: "11111111-2222-4333-8444-555555555555",
    title: "Mend the parser",
    cwd: "/work",
    sessionId: null,
    worktreeId: null,
    startedAt: "2026-01-01T00:00:00Z",
    updatedAt: "2026-01-01T01:00:00Z",
    size: 1000,
    entries: { user: 1, assistant: 1, thinking: 1, tool: 1 },
    models: ["claude-sonnet-4-5"],
    answers: 2,
    unpriced: 0,
    usage: { input: 1000, output: 200, cacheRead: 0, cacheWrite: 0, cost: 0.25, model: null },
    costStated: false,
    subagent: false,
    skipped: 0,
    ...with_,
  };
}

/** An entry of one. */
export function entry(with_: Partial<EntryView> = {}): EntryView {
  return {
    seq: 1,
    role: "assistant",
    at: null,
    text: "",
    name: null,
    input: null,
    output: null,
    error: false,
    truncated: false,
    sidechain: false,
    usage: null,
    ...with_,
  };
}
