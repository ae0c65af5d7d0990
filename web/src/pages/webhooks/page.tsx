import { Anchor } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import type { Api } from "#/api/client";
import { Page } from "#/ui/page";
import { Shown } from "#/ui/states";
import { Deliveries } from "./deliveries";
import { useWebhooks } from "./panel";
import { listPathOf, type Place } from "./place";

interface Props {
  place: Place;
  api: Api;
  webhookId: string;
  /** Whether the person may send something. */
  writes: boolean;
}

/** One webhook of a place, and what was delivered to it. */
export function WebhookPage({ place, api, webhookId, writes }: Props) {
  const webhooks = useWebhooks(api, place);
  const query = useQuery({
    queryKey: [...webhooks.key, webhookId],
    queryFn: async () => (await webhooks.get(webhookId)).webhook,
  });
  const back = (
    <Anchor component={Link} href={listPathOf(place)} size="sm">
      All webhooks
    </Anchor>
  );
  return (
    <Page title="Deliveries" description={query.data?.url} actions={back}>
      <Shown query={query} label="Looking for the webhook">
        {() => <Deliveries webhooks={webhooks} webhookId={webhookId} writes={writes} />}
      </Shown>
    </Page>
  );
}
