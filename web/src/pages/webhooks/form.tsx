import { MultiSelect, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Once } from "#/api/once";
import type { NewWebhook, WebhookView } from "#/api/schema";
import { FormDialog, fieldError } from "#/ui/form";
import { eventsOf, isEvent } from "./events";
import type { Place, Webhooks } from "./place";

interface Props {
  webhooks: Webhooks;
  kind: Place["kind"];
  /** Null for a new one. */
  known: WebhookView | null;
  /** The secret of one that was just made. */
  onMade: (secret: string) => void;
  onClose: () => void;
}

/** The form of a new webhook, or of `known`. */
export function WebhookForm({ webhooks, kind, known, onMade, onClose }: Props) {
  const queries = useQueryClient();
  const etag = useEtag(webhooks, known);
  const [body, setBody] = useState<NewWebhook>({ url: known?.url ?? "", events: known?.events ?? [] });
  const [once] = useState(() => new Once());
  const saving = useMutation({
    mutationFn: async () => {
      if (known === null) return (await webhooks.create(body, once.key(body))).secret;
      await webhooks.change(known.webhookId, body, etag.data ?? null);
      return null;
    },
    onSuccess: (secret) => {
      onClose();
      if (secret !== null) onMade(secret);
    },
    // Also when it has failed: somebody else may have changed it.
    onSettled: () => void queries.invalidateQueries({ queryKey: webhooks.key }),
  });
  const data = eventsOf(kind).map(({ value, label }) => ({ value, label: `${value}: ${label}` }));
  return (
    <FormDialog
      title={known === null ? "New webhook" : "Change webhook"}
      action={known === null ? "Create webhook" : "Save"}
      busy={saving.isPending}
      error={saving.error}
      fields={["/url", "/events"]}
      onSubmit={saving.mutate}
      onClose={onClose}
    >
      <TextInput
        type="url"
        label="URL"
        description="Each event is a POST to it. Its address must be public, unless the host's configuration lists it."
        placeholder="https://example.org/hooks/hostel"
        value={body.url}
        onChange={(event) => setBody({ ...body, url: event.currentTarget.value })}
        error={fieldError(saving.error, "/url")}
        required
        data-autofocus
      />
      <MultiSelect
        label="Events"
        placeholder={body.events.length === 0 ? "Choose events" : ""}
        data={data}
        value={body.events}
        onChange={(events) => setBody({ ...body, events: events.filter(isEvent) })}
        error={fieldError(saving.error, "/events")}
        searchable
        required
      />
      <Text size="xs" c="dimmed">
        {known === null
          ? "The secret that its deliveries are signed with is shown once, in the next step."
          : "What waits to be delivered goes to the new URL."}
      </Text>
    </FormDialog>
  );
}

/** The version that the form was opened with: somebody else's change since then is not overwritten. */
function useEtag(webhooks: Webhooks, known: WebhookView | null) {
  return useQuery({
    queryKey: [...webhooks.key, known?.webhookId, "etag", known?.updatedAt],
    enabled: known !== null,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async () => {
      const { webhook, etag } = await webhooks.get(known?.webhookId ?? "");
      // What is in the form is older already.
      return webhook.updatedAt === known?.updatedAt ? etag : '"outdated"';
    },
  });
}
