import { TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { answer } from "#/api/client";
import { Once } from "#/api/once";
import type { ChannelView } from "#/api/schema";
import { useRoom } from "#/room/room";
import { FormDialog, fieldError } from "#/ui/form";
import { channelsKey } from "./channels";

/** The form of a new channel, or of `known`. */
export function ChannelForm({ known, onClose }: { known: ChannelView | null; onClose: () => void }) {
  const { workspaceId, api } = useRoom();
  const queries = useQueryClient();
  const [, go] = useLocation();
  const [body, setBody] = useState({ name: known?.name ?? "", topic: known?.topic ?? "" });
  const [once] = useState(() => new Once());
  const saving = useMutation({
    mutationFn: () => {
      if (known !== null) {
        const path = { workspaceId, channelId: known.channelId };
        return answer(api.PATCH("/api/workspaces/{workspaceId}/channels/{channelId}", { params: { path }, body }));
      }
      const params = { path: { workspaceId }, header: { "Idempotency-Key": once.key(body) } };
      return answer(api.POST("/api/workspaces/{workspaceId}/channels", { params, body }));
    },
    onSuccess: async ({ channelId }) => {
      await queries.invalidateQueries({ queryKey: channelsKey(workspaceId) });
      onClose();
      go(`/w/${workspaceId}/channels/${channelId}`);
    },
  });
  return (
    <FormDialog
      title={known === null ? "New channel" : "Change channel"}
      action={known === null ? "Create channel" : "Save"}
      busy={saving.isPending}
      error={saving.error}
      fields={["/name", "/topic"]}
      onSubmit={saving.mutate}
      onClose={onClose}
    >
      <TextInput
        label="Name"
        description="Small letters, digits, and . _ - between them"
        value={body.name}
        onChange={(event) => setBody({ ...body, name: event.currentTarget.value })}
        error={fieldError(saving.error, "/name")}
        autoComplete="off"
        required
        data-autofocus
      />
      <TextInput
        label="Topic"
        description="What it is for, in a line"
        value={body.topic}
        onChange={(event) => setBody({ ...body, topic: event.currentTarget.value })}
        error={fieldError(saving.error, "/topic")}
      />
    </FormDialog>
  );
}
