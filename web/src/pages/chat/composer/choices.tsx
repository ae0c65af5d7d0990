import { Select } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { answer } from "#/api/client";
import type { AgentView, ChoosableView, ConversationView } from "#/api/schema";
import { useRoom } from "#/room/room";
import { complain } from "#/ui/notify";
import type { Asking } from "./queue";

type Choice = Pick<Asking, "mode" | "model">;

/** Mode and model. Where the agent has worked already it is told at once, else with the next prompt, by `choose`. */
export function Choices({
  sessionId,
  agent,
  conversation,
  draft,
  choose,
  keep,
}: {
  sessionId: string;
  agent: AgentView | undefined;
  conversation: ConversationView | undefined;
  draft: Choice;
  choose: (choice: Partial<Choice>) => void;
  keep: (changed: ConversationView) => void;
}) {
  const { api, workspaceId } = useRoom();
  const configure = useMutation({
    mutationFn: ({ of, change }: { of: ConversationView; change: Partial<Choice> }) =>
      answer(
        api.PATCH("/api/workspaces/{workspaceId}/sessions/{sessionId}/agents/{agentName}", {
          params: {
            path: { workspaceId, sessionId, agentName: of.agent },
            query: of.worktreeId === null ? {} : { worktree: of.worktreeId },
          },
          body: { mode: null, model: null, ...change },
        }),
      ),
    onSuccess: keep,
    onError: (error) => complain(error, "The choice was not taken"),
  });
  const pick = (change: Partial<Choice>) => (conversation ? configure.mutate({ of: conversation, change }) : choose(change));
  const chosen: Choice = conversation ?? draft;
  const models = conversation?.models.length ? conversation.models : (agent?.models ?? []);
  return (
    <>
      <Pick label="Mode" offered={conversation?.modes ?? []} value={chosen.mode} onPick={(mode) => pick({ mode })} />
      <Pick label="Model" offered={models} value={chosen.model} onPick={(model) => pick({ model })} />
    </>
  );
}

function Pick({
  label,
  offered,
  value,
  onPick,
}: {
  label: string;
  offered: readonly ChoosableView[];
  value: string | null;
  onPick: (id: string) => void;
}) {
  if (offered.length === 0) return null;
  return (
    <Select
      size="xs"
      w={150}
      aria-label={label}
      placeholder={label}
      value={value}
      data={offered.map(({ id, name }) => ({ value: id, label: name }))}
      onChange={(id) => id !== null && onPick(id)}
      searchable={offered.length > 8}
      allowDeselect={false}
      comboboxProps={{ width: "max-content", position: "top-start" }}
    />
  );
}
