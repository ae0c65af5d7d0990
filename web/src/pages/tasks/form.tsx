import { TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { answer } from "#/api/client";
import { Once } from "#/api/once";
import { roomKey } from "#/room/key";
import { useRoom } from "#/room/room";
import { FormDialog, fieldError } from "#/ui/form";
import { type Draft, planOf } from "./draft";
import { PLAN_FIELDS, PlanFields } from "./fields";

/** The form of a new task, filled with `initial`. What is made is shown. */
export function TaskForm({ initial, onClose }: { initial: Draft; onClose: () => void }) {
  const { workspaceId, api } = useRoom();
  const queries = useQueryClient();
  const [, go] = useLocation();
  const [draft, setDraft] = useState(initial);
  const [when, setWhen] = useState("");
  const [once] = useState(() => new Once());
  const creation = useMutation({
    mutationFn: () => {
      const body = { ...planOf(draft), notBefore: when === "" ? null : new Date(when).toISOString() };
      const params = { path: { workspaceId }, header: { "Idempotency-Key": once.key(body) } };
      return answer(api.POST("/api/workspaces/{workspaceId}/tasks", { params, body }));
    },
    onSuccess: ({ taskId }) => {
      onClose();
      void queries.invalidateQueries({ queryKey: roomKey(workspaceId, "tasks") });
      go(`/w/${workspaceId}/tasks/${taskId}`);
    },
  });
  return (
    <FormDialog
      title="New task"
      action="Queue task"
      size="lg"
      busy={creation.isPending}
      error={creation.error}
      fields={[...PLAN_FIELDS, "/notBefore"]}
      onSubmit={creation.mutate}
      onClose={onClose}
    >
      <PlanFields draft={draft} onChange={setDraft} error={creation.error} />
      <TextInput
        type="datetime-local"
        label="Not before"
        description="In your time zone; without it, as soon as it is its turn"
        value={when}
        onChange={(event) => setWhen(event.currentTarget.value)}
        error={fieldError(creation.error, "/notBefore")}
      />
    </FormDialog>
  );
}
