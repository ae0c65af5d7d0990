import { api } from "#/api/identity";
import { WebhookPage } from "./page";
import type { Place } from "./place";

/** One webhook of an organisation or of the host. There, who sees them may also change them. */
export default function WebhookAbove({ place, webhookId }: { place: Place; webhookId: string }) {
  return <WebhookPage {...{ place, api, webhookId }} writes />;
}
