import { type Api, answer } from "#/api/client";
import type { DeliveryPage, DeliveryView, NewWebhook, NewWebhookView, WebhookChange, WebhookView } from "#/api/schema";

/** Whose webhooks: those of a workspace, of an organisation, or of the host. */
export type Place =
  | { kind: "workspace"; workspaceId: string }
  | { kind: "organisation"; organisationId: string }
  | { kind: "host" };

/** The same requests in three places. */
const LISTS = {
  workspace: "/api/workspaces/{workspaceId}/webhooks",
  organisation: "/api/orgs/{organisationId}/webhooks",
  host: "/api/webhooks",
} as const;

/** Where the page of a place's webhooks is. */
export function listPathOf(place: Place): string {
  switch (place.kind) {
    case "workspace":
      return `/w/${place.workspaceId}/webhooks`;
    case "organisation":
      return `/orgs/${place.organisationId}?tab=webhooks`;
    case "host":
      return "/admin/webhooks";
  }
}

/** Where the page of one of them is. */
export function pathOf(place: Place, webhookId: string): string {
  const list = place.kind === "organisation" ? `/orgs/${place.organisationId}/webhooks` : listPathOf(place);
  return `${list}/${webhookId}`;
}

/** The requests about the webhooks of a place. They throw an ApiError. */
export class Webhooks {
  /** What queries about them have as their key. */
  readonly key: readonly unknown[];
  readonly #api: Api;
  readonly #list: (typeof LISTS)[Place["kind"]];
  /** What stands in the paths. Those of one place need only its own, and ignore the other. */
  readonly #path: { workspaceId: string; organisationId: string };

  constructor(api: Api, place: Place) {
    this.#api = api;
    this.#list = LISTS[place.kind];
    this.#path = {
      workspaceId: place.kind === "workspace" ? place.workspaceId : "",
      organisationId: place.kind === "organisation" ? place.organisationId : "",
    };
    // Those of a workspace are forgotten with its room.
    this.key = place.kind === "workspace" ? ["w", place.workspaceId, "webhooks"] : ["webhooks", this.#path.organisationId];
  }

  async list(): Promise<WebhookView[]> {
    return (await answer(this.#api.GET(this.#list, { params: { path: this.#path } }))).items;
  }

  create(body: NewWebhook, key: string): Promise<NewWebhookView> {
    const params = { path: this.#path, header: { "Idempotency-Key": key } };
    return answer(this.#api.POST(this.#list, { params, body }));
  }

  /** The webhook, and the version that it is, for `change`. */
  async get(webhookId: string): Promise<{ webhook: WebhookView; etag: string | null }> {
    const call = this.#api.GET(`${this.#list}/{webhookId}`, { params: { path: { ...this.#path, webhookId } } });
    return { webhook: await answer(call), etag: (await call).response.headers.get("ETag") };
  }

  /** Change it; with `etag`, only that version. */
  change(webhookId: string, body: WebhookChange, etag: string | null = null): Promise<WebhookView> {
    const params = { path: { ...this.#path, webhookId }, ...(etag && { header: { "If-Match": etag } }) };
    return answer(this.#api.PATCH(`${this.#list}/{webhookId}`, { params, body }));
  }

  remove(webhookId: string): Promise<unknown> {
    return answer(this.#api.DELETE(`${this.#list}/{webhookId}`, { params: { path: { ...this.#path, webhookId } } }));
  }

  async rotate(webhookId: string, key: string): Promise<string> {
    const params = { path: { ...this.#path, webhookId }, header: { "Idempotency-Key": key } };
    return (await answer(this.#api.POST(`${this.#list}/{webhookId}/secret/rotate`, { params }))).secret;
  }

  test(webhookId: string): Promise<DeliveryView> {
    return answer(this.#api.POST(`${this.#list}/{webhookId}/test`, { params: { path: { ...this.#path, webhookId } } }));
  }

  deliveries(webhookId: string, cursor: string): Promise<DeliveryPage> {
    const params = { path: { ...this.#path, webhookId }, query: { limit: 50, ...(cursor && { cursor }) } };
    return answer(this.#api.GET(`${this.#list}/{webhookId}/deliveries`, { params }));
  }

  retry(webhookId: string, deliveryId: string): Promise<DeliveryView> {
    const path = { ...this.#path, webhookId, deliveryId };
    return answer(this.#api.POST(`${this.#list}/{webhookId}/deliveries/{deliveryId}/retry`, { params: { path } }));
  }
}
