import { useParams } from "wouter";
import { useRoom } from "#/room/room";
import { NotYours } from "./notYours";
import { WebhookPage } from "./page";

/** One webhook of a workspace. */
export default function WorkspaceWebhook() {
  const { webhookId = "" } = useParams<{ webhookId: string }>();
  const { workspaceId, api, may } = useRoom();
  if (!may("webhooks:read")) return <NotYours />;
  return <WebhookPage {...{ place: { kind: "workspace", workspaceId }, api, webhookId, writes: may("webhooks:write") }} />;
}
