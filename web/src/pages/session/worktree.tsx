import { TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answer } from "#/api/client";
import { Once } from "#/api/once";
import { roomKey } from "#/room/key";
import { useRoom } from "#/room/room";
import { FormDialog, fieldError } from "#/ui/form";
import { say } from "#/ui/notify";

const POINTERS = ["/branch", "/start", "/name"];

/** Asks for the branch and the name of a new worktree. */
export function NewWorktreeDialog({ sessionId, close }: { sessionId: string; close: () => void }) {
  const { api, workspaceId } = useRoom();
  const queries = useQueryClient();
  const [once] = useState(() => new Once());
  const [draft, setDraft] = useState({ branch: "", start: "", name: "" });
  const create = useMutation({
    mutationFn: () => {
      const [branch, start, name] = [draft.branch, draft.start, draft.name].map((text) => text.trim() || null);
      const body = { branch: branch ?? null, start: start ?? null, name: name ?? null };
      const params = { path: { workspaceId, sessionId }, header: { "Idempotency-Key": once.key(body) } };
      return answer(api.POST("/api/workspaces/{workspaceId}/sessions/{sessionId}/worktrees", { params, body }));
    },
    onSuccess: async ({ name }) => {
      close();
      say(`The worktree “${name}” is there`);
      await queries.invalidateQueries({ queryKey: roomKey(workspaceId, "worktrees", sessionId) });
    },
  });
  const field = (name: keyof typeof draft) => ({
    value: draft[name],
    onChange: (event: { currentTarget: { value: string } }) => setDraft({ ...draft, [name]: event.currentTarget.value }),
    error: fieldError(create.error, `/${name}`),
    autoComplete: "off",
    spellCheck: false,
  });
  return (
    <FormDialog
      title="New worktree"
      action="Create"
      busy={create.isPending}
      error={create.error}
      fields={POINTERS}
      onSubmit={() => create.mutate()}
      onClose={close}
    >
      <TextInput
        label="Branch"
        description="One that exists, or with a start a new one. Empty for no branch at all."
        data-autofocus
        {...field("branch")}
      />
      <TextInput
        label="Start"
        description="The branch, tag or commit from which a new branch begins."
        placeholder="HEAD"
        {...field("start")}
      />
      <TextInput label="Name" placeholder="As the branch" {...field("name")} />
    </FormDialog>
  );
}
