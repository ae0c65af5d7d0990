import { Button, Group, Modal } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import type { Api } from "#/api/client";
import type { WebhookView } from "#/api/schema";
import { Reveal } from "#/ui/copy";
import { Rows } from "#/ui/rows";
import { EmptyState, Shown } from "#/ui/states";
import { WebhookForm } from "./form";
import { type Place, Webhooks } from "./place";
import { WebhookRow } from "./row";
import { Signature } from "./signature";

interface Props {
  place: Place;
  api: Api;
  /** Whether the person may change them. */
  writes: boolean;
}

/** The webhooks of a workspace, of an organisation, or of the host. */
export function WebhooksPanel({ place, api, writes }: Props) {
  const webhooks = useWebhooks(api, place);
  const query = useQuery({ queryKey: webhooks.key, queryFn: () => webhooks.list() });
  const [form, setForm] = useState<{ known: WebhookView | null } | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const create = writes && (
    <Button size="xs" onClick={() => setForm({ known: null })}>
      New webhook
    </Button>
  );
  return (
    <>
      <Shown query={query} label="Looking for webhooks">
        {(items) =>
          items.length > 0 ? (
            <>
              <Group justify="flex-end" mb="xs">
                {create}
              </Group>
              <Rows label="Webhooks">
                {items.map((webhook) => (
                  <WebhookRow
                    key={webhook.webhookId}
                    {...{ webhook, webhooks, place, writes }}
                    onEdit={() => setForm({ known: webhook })}
                    onSecret={setSecret}
                  />
                ))}
              </Rows>
            </>
          ) : (
            <EmptyState title="No webhook yet" action={create}>
              A webhook tells another system what happens here, by signed requests.
            </EmptyState>
          )
        }
      </Shown>
      <Signature />
      {form && (
        <WebhookForm {...{ webhooks, kind: place.kind, known: form.known }} onMade={setSecret} onClose={() => setForm(null)} />
      )}
      {secret !== null && <SecretDialog secret={secret} onClose={() => setSecret(null)} />}
    </>
  );
}

/** The requests about the webhooks of a place, the same object for the same place. */
export function useWebhooks(api: Api, place: Place): Webhooks {
  const text = JSON.stringify(place);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a place is what it says, not which object says it
  return useMemo(() => new Webhooks(api, place), [api, text]);
}

function SecretDialog({ secret, onClose }: { secret: string; onClose: () => void }) {
  return (
    <Modal opened onClose={onClose} title="The webhook's secret" closeOnClickOutside={false}>
      <Reveal label="Deliveries are signed with it" value={secret} file="webhook-secret.txt" />
      <Button mt="md" variant="default" onClick={onClose}>
        I have kept it
      </Button>
    </Modal>
  );
}
