import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { createApi } from "#/api/client";
import type { DeliveryView, WebhookView } from "#/api/schema";
import { showOutside } from "#/testing/outside";
import { BASE, fill, showInRoom, WORKSPACE } from "#/testing/page";
import { problem, Server } from "#/testing/server";
import Webhooks from ".";
import WebhookAbove from "./above";
import { WebhooksPanel } from "./panel";
import type { Place } from "./place";
import WebhookPage from "./webhook";

const ID = "wh000000000000000000000001";
const HOOK: WebhookView = {
  ...{ webhookId: ID, url: "https://example.org/hook", events: ["task.failed"], enabled: true, createdBy: WORKSPACE },
  ...{ createdAt: "2026-01-01T00:00:00Z", updatedAt: "2026-01-01T00:00:00Z" },
};
const FAILED: DeliveryView = {
  ...{ deliveryId: "dl000000000000000000000001", webhookId: ID, event: "task.failed", status: "failed", attempts: 8 },
  ...{ nextAttemptAt: null, responseStatus: 500, error: "the receiver answered 500" },
  ...{ createdAt: "2026-01-01T00:00:00Z", endedAt: "2026-01-01T01:00:00Z" },
};

function serving(items: WebhookView[], base = BASE): Server {
  return new Server().on(`GET ${base}/webhooks`, () => ({ items }));
}

test("a new webhook shows its secret once", async () => {
  const server = serving([]).on(`POST ${BASE}/webhooks`, () => ({ ...HOOK, secret: "whsec_abc" }));
  showInRoom(server, <Webhooks />);
  await userEvent.click(await screen.findByRole("button", { name: "New webhook" }));
  const form = within(await screen.findByRole("dialog"));
  await fill(form.getByRole("textbox", { name: /URL/ }), "https://example.org/hook");
  await userEvent.click(form.getByRole("combobox", { name: /Events/ }));
  await userEvent.click(await screen.findByRole("option", { name: /task\.failed/ }));
  await userEvent.click(form.getByRole("button", { name: "Create webhook" }));
  expect(await screen.findByTestId("secret")).toHaveTextContent("whsec_abc");
  await userEvent.click(screen.getByRole("button", { name: "I have kept it" }));
  expect(screen.queryByText("whsec_abc")).toBeNull();
  expect(server.of(`POST ${BASE}/webhooks`)[0]?.body).toEqual({ url: "https://example.org/hook", events: ["task.failed"] });
});

test("an address that is refused is said at its field", async () => {
  const errors = [{ detail: "leads to an address that is not public", pointer: "/url" }];
  const server = serving([]).on(`POST ${BASE}/webhooks`, () => problem(400, { code: "invalid", detail: "no", errors }));
  showInRoom(server, <Webhooks />);
  await userEvent.click(await screen.findByRole("button", { name: "New webhook" }));
  const form = within(await screen.findByRole("dialog"));
  await fill(form.getByRole("textbox", { name: /URL/ }), "http://10.0.0.1/");
  await userEvent.click(form.getByRole("combobox", { name: /Events/ }));
  await userEvent.click(await screen.findByRole("option", { name: /Everything/ }));
  await userEvent.click(form.getByRole("button", { name: "Create webhook" }));
  await form.findByText("Leads to an address that is not public.");
  expect(form.getByRole("textbox", { name: /URL/ })).toHaveValue("http://10.0.0.1/");
});

test("a webhook is switched off at once, and on again when that fails", async () => {
  const server = serving([HOOK]).on(`PATCH ${BASE}/webhooks/${ID}`, () => problem(409, { code: "conflict", detail: "no" }));
  showInRoom(server, <Webhooks />);
  const toggle = await screen.findByRole("switch", { name: /Deliver to/ });
  await userEvent.click(toggle);
  await waitFor(() => expect(server.of(`PATCH ${BASE}/webhooks/${ID}`)[0]?.body).toEqual({ enabled: false }));
  await waitFor(() => expect(toggle).toBeChecked());
});

test("a replaced secret is shown once", async () => {
  const rotated = { webhookId: ID, secret: "whsec_new" };
  showInRoom(
    serving([HOOK]).on(`POST ${BASE}/webhooks/${ID}/secret/rotate`, () => rotated),
    <Webhooks />,
  );
  await userEvent.click(await screen.findByRole("button", { name: "Replace secret" }));
  await userEvent.click((await screen.findAllByRole("button", { name: "Replace secret" })).at(-1) ?? document.body);
  expect(await screen.findByTestId("secret")).toHaveTextContent("whsec_new");
});

test("a failed delivery tells why, and is sent again", async () => {
  const server = serving([HOOK])
    .on(`GET ${BASE}/webhooks/${ID}`, () => HOOK)
    .on(`GET ${BASE}/webhooks/${ID}/deliveries`, () => ({ items: [FAILED], nextCursor: null }))
    .on(`POST ${BASE}/webhooks/${ID}/deliveries/${FAILED.deliveryId}/retry`, () => ({ ...FAILED, status: "pending" }));
  showInRoom(server, <WebhookPage />, { at: `/webhooks/${ID}`, route: "/webhooks/:webhookId" });
  await screen.findByText("The receiver answered 500.");
  expect(screen.getByText("Answered 500")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Send again" }));
  await waitFor(() => expect(server.of(`POST ${BASE}/webhooks/${ID}/deliveries/${FAILED.deliveryId}/retry`)).toHaveLength(1));
  await waitFor(() => expect(server.of(`GET ${BASE}/webhooks/${ID}/deliveries`)).toHaveLength(2));
});

test.each<[Place, string]>([
  [{ kind: "workspace", workspaceId: WORKSPACE }, `/w/${WORKSPACE}/webhooks/${ID}`],
  [{ kind: "organisation", organisationId: "o1" }, `/orgs/o1/webhooks/${ID}`],
  [{ kind: "host" }, `/admin/webhooks/${ID}`],
])("the deliveries of a webhook of %j have a page", async (place, path) => {
  const base = place.kind === "workspace" ? BASE : place.kind === "organisation" ? "/api/orgs/o1" : "/api";
  const api = createApi(() => null, null);
  showInRoom(serving([HOOK], base), <WebhooksPanel place={place} api={api} writes />);
  expect(await screen.findByRole("link", { name: "Deliveries" })).toHaveAttribute("href", path);
});

test("a failed delivery of the host's is sent again", async () => {
  const deliveries = `/api/webhooks/${ID}/deliveries`;
  const server = new Server()
    .on(`GET /api/webhooks/${ID}`, () => HOOK)
    .on(`GET ${deliveries}`, () => ({ items: [FAILED], nextCursor: null }))
    .on(`POST ${deliveries}/${FAILED.deliveryId}/retry`, () => ({ ...FAILED, status: "pending" }));
  showOutside(<WebhookAbove place={{ kind: "host" }} webhookId={ID} />);
  await userEvent.click(await screen.findByRole("button", { name: "Send again" }));
  await waitFor(() => expect(server.of(`POST ${deliveries}/${FAILED.deliveryId}/retry`)).toHaveLength(1));
  expect(screen.getByRole("link", { name: "All webhooks" })).toHaveAttribute("href", "/admin/webhooks");
});

test.each<[Place, string, string, string]>([
  [{ kind: "workspace", workspaceId: WORKSPACE }, BASE, "channel.message", "member.added"],
  [{ kind: "organisation", organisationId: "o1" }, "/api/orgs/o1", "member.added", "-"],
  [{ kind: "host" }, "/api", "workspace.created", "task.failed"],
])("%j has requests and events of its own", async (place, base, there, missing) => {
  const server = serving([], base);
  const api = createApi(() => null, null);
  showInRoom(server, <WebhooksPanel place={place} api={api} writes />);
  await userEvent.click(await screen.findByRole("button", { name: "New webhook" }));
  await userEvent.click(screen.getByRole("combobox", { name: /Events/ }));
  await screen.findByRole("option", { name: new RegExp(there) });
  expect(screen.queryByRole("option", { name: new RegExp(missing) })).toBeNull();
});

test("who may not see them is told whom to ask, and nothing is asked of the server", async () => {
  const server = serving([HOOK]);
  showInRoom(server, <Webhooks />, { without: ["webhooks:read"] });
  expect(await screen.findByText("Webhooks are for those who manage the workspace")).toBeVisible();
  expect(server.of(`GET ${BASE}/webhooks`)).toEqual([]);
});
