import { Anchor } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "wouter";
import { useRoom } from "#/room/room";
import { Page } from "#/ui/page";
import { Shown } from "#/ui/states";
import { Deliveries } from "./deliveries";
import { NotYours } from "./notYours";
import { useWebhooks } from "./panel";

/** One webhook of a workspace, and what was delivered to it. */
export default function WebhookPage() {
  const { webhookId = "" } = useParams<{ webhookId: string }>();
  const { workspaceId, api, may } = useRoom();
  const reads = may("webhooks:read");
  const webhooks = useWebhooks(api, { kind: "workspace", workspaceId });
  const query = useQuery({
    queryKey: [...webhooks.key, webhookId],
    queryFn: async () => (await webhooks.get(webhookId)).webhook,
    enabled: reads,
  });
  const back = (
    <Anchor component={Link} href={`/w/${workspaceId}/webhooks`} size="sm">
      All webhooks
    </Anchor>
  );
  return (
    <Page title="Deliveries" description={query.data?.url} actions={back}>
      {reads ? (
        <Shown query={query} label="Looking for the webhook">
          {() => <Deliveries webhooks={webhooks} webhookId={webhookId} writes={may("webhooks:write")} />}
        </Shown>
      ) : (
        <NotYours />
      )}
    </Page>
  );
}
