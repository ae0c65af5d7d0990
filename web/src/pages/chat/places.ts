import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { answer } from "#/api/client";
import type { AgentView, ConversationView, WorktreeView } from "#/api/schema";
import { useAgents } from "#/room/agents";
import { roomKey } from "#/room/key";
import { useRoom } from "#/room/room";
import { useWorktrees } from "#/room/worktrees";
import { isAt, type Place, type Turn } from "./log/turn";

/** The agents of the host, the session's worktrees, and the conversations that agents have there. */
export interface Places {
  agents: readonly AgentView[];
  worktrees: readonly WorktreeView[];
  conversations: readonly ConversationView[];
}

/** Asks for them; the conversations again when `told` is another number. */
export function usePlaces(sessionId: string, told: number) {
  const { api, workspaceId, may } = useRoom();
  const queries = useQueryClient();
  const path = { workspaceId, sessionId };
  const agents = useAgents();
  const worktrees = useWorktrees(sessionId);
  const key = roomKey(workspaceId, "sessions", sessionId, "conversations");
  const conversations = useQuery({
    queryKey: key,
    queryFn: async () =>
      (await answer(api.GET("/api/workspaces/{workspaceId}/sessions/{sessionId}/agents", { params: { path } }))).items,
    enabled: may("agents:read"),
  });
  const { refetch } = conversations;
  useEffect(() => {
    if (told > 0) void refetch();
  }, [told, refetch]);
  return {
    agents,
    worktrees,
    conversations,
    /** Take over what the server says of one conversation. */
    keep: (changed: ConversationView) =>
      queries.setQueryData<ConversationView[]>(key, (known = []) => [...known.filter((one) => !isAt(one, changed)), changed]),
  };
}

/** The conversation to open: the one that went on last, else that of the first agent that can be used. */
export function defaultPlace(turns: Iterable<Turn>, agents: readonly AgentView[]): Place | null {
  const last = [...turns].at(-1);
  if (last !== undefined) return { agent: last.agent, worktreeId: last.worktreeId };
  const first = agents.find((agent) => agent.installed && agent.auth === "ready") ?? agents[0];
  return first === undefined ? null : { agent: first.agent, worktreeId: null };
}

/** Why prompts to an agent will fail; null when nothing is known against it. */
export function obstacleOf(agent: AgentView): string | null {
  if (!agent.installed) return agent.reason ?? "It is not installed on this host.";
  if (agent.auth === "disabled") return agent.reason ?? "Its provider is switched off in this workspace.";
  return agent.auth === "missing" ? "The workspace has no credential for it." : null;
}

/** What a worktree is called; that of the clone itself has no name. */
export function worktreeName(worktrees: readonly WorktreeView[], worktreeId: string | null): string {
  if (worktreeId === null) return "main clone";
  return worktrees.find((worktree) => worktree.worktreeId === worktreeId)?.name ?? "a removed worktree";
}
