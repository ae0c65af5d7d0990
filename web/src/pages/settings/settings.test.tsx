import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import type { Scope, WorkspaceView } from "#/api/schema";
import { ADMIN } from "#/testing/outside";
import { BASE, showInRoom } from "#/testing/page";
import { problem, Server } from "#/testing/server";
import { workspace } from "#/testing/workspaces";
import Settings from ".";

const ALL: readonly Scope[] = [
  ...(["workspaces:read", "workspaces:write", "workspaces:delete", "secret:rotate", "handover", "keys:read"] as const),
  ...(["export", "agents:read", "secrets:write"] as const),
];

let server: Server;
let view: WorkspaceView;
let etag: string;

beforeEach(() => {
  view = workspace();
  etag = '"1"';
  server = new Server()
    .on(`GET ${BASE}`, () => Response.json(view, { headers: { ETag: etag } }))
    .on(`GET ${BASE}/provisioners`, () => ({ items: [] }))
    .on(`GET ${BASE}/agents`, () => ({ items: [] }))
    .on(`GET ${BASE}/handover`, () => ({ items: [], nextCursor: null }))
    .on("GET /api/orgs", () => ({ items: [], nextCursor: null }));
});

function show(scopes: readonly Scope[] = ALL, me = ADMIN) {
  return showInRoom(server, <Settings />, { at: "/settings", scopes, me });
}

function part(name: string) {
  return within(screen.getByRole("region", { name }));
}

test("a part that is tried again later says when, and why the last attempt has failed", async () => {
  const soon = { name: "gitea", attempts: 1, nextAttemptAt: new Date(Date.now() + 90_000).toISOString() };
  const due = { name: "coolify", attempts: 0, nextAttemptAt: new Date(Date.now() - 1000).toISOString() };
  const told = { status: "pending", detail: {}, updatedAt: "2026-01-01T00:00:00Z" };
  const items = [
    { ...told, ...soon, errorReason: "Gitea answered 500" },
    { ...told, ...due, errorReason: null },
  ];
  server.on(`GET ${BASE}/provisioners`, () => ({ items }));
  show();
  expect(await screen.findByText("Gitea answered 500")).toBeVisible();
  expect(screen.getAllByText(/^Attempt/).map(({ textContent }) => textContent)).toEqual([
    expect.stringMatching(/^Attempt 2 in 1 min \d\d s$/),
  ]);
});

test("a name is changed only while it is as it was seen", async () => {
  server.on(`PATCH ${BASE}`, ({ headers, body }) => {
    if (headers.get("If-Match") !== etag) return problem(412, { code: "precondition_failed", detail: "changed" });
    view = { ...view, ...Object(body) };
    return Response.json(view, { headers: { ETag: '"2"' } });
  });
  show();
  const input = await screen.findByLabelText("Name of the workspace");
  await userEvent.clear(input);
  await userEvent.type(input, "Billing");
  etag = '"another"';
  view = workspace({ name: "Of somebody else" });
  await userEvent.click(screen.getByRole("button", { name: "Rename" }));
  expect(await screen.findByText(/Somebody else has changed the workspace/)).toBeVisible();
  expect(input).toHaveValue("Billing");
  await userEvent.click(screen.getByRole("button", { name: "Show what it is now" }));
  await waitFor(() => expect(screen.getByLabelText("Name of the workspace")).toHaveValue("Of somebody else"));
  await userEvent.type(screen.getByLabelText("Name of the workspace"), " 2");
  await userEvent.click(screen.getByRole("button", { name: "Rename" }));
  expect(await screen.findByRole("heading", { level: 1, name: "Of somebody else 2" })).toBeVisible();
});

test("a provider's credential is sent and never shown, and can be removed", async () => {
  server.on(`PATCH ${BASE}`, ({ body }) => {
    const removes = JSON.stringify(body).includes('"claude":null');
    view = workspace({ providers: removes ? {} : { claude: { enabled: true, auth: { type: "setup_token" } } } });
    return Response.json(view, { headers: { ETag: '"2"' } });
  });
  show();
  await userEvent.click(await screen.findByRole("button", { name: "Set Claude Code" }));
  const dialog = within(await screen.findByRole("dialog"));
  await userEvent.selectOptions(dialog.getByLabelText("Kind"), "setup_token");
  await userEvent.type(dialog.getByLabelText("Setup token"), "sk-oat");
  await userEvent.click(dialog.getByRole("button", { name: "Save" }));
  expect(await screen.findByText("setup token set")).toBeVisible();
  expect(server.of(`PATCH ${BASE}`)[0]?.body).toEqual({
    providers: { claude: { enabled: true, auth: { type: "setup_token", value: "sk-oat" } } },
  });
  await userEvent.click(screen.getByRole("button", { name: "Remove Claude Code" }));
  await userEvent.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Remove" }));
  await waitFor(() => expect(screen.queryByText("setup token set")).toBeNull());
  expect(document.body).not.toHaveTextContent("sk-oat");
});

test("the file of a sign-in is taken as base64", async () => {
  server.on(`PATCH ${BASE}`, () => Response.json(view));
  show();
  await userEvent.click(await screen.findByRole("button", { name: "Set Codex" }));
  const dialog = within(await screen.findByRole("dialog"));
  await userEvent.selectOptions(dialog.getByLabelText("Kind"), "auth_json_b64");
  const input = document.querySelector<HTMLInputElement>("input[type=file]");
  if (input) await userEvent.upload(input, new File(["{}"], "auth.json"));
  await waitFor(() => expect(dialog.getByLabelText("Sign-in file")).toHaveValue("e30="));
});

test("what was typed stays when a credential is refused, and why is said at the field", async () => {
  const errors = [{ pointer: "/providers/codex/auth/value", detail: "NUL is not accepted" }];
  server.on(`PATCH ${BASE}`, () => problem(400, { code: "invalid", detail: "invalid", errors }));
  show();
  await userEvent.click(await screen.findByRole("button", { name: "Set Codex" }));
  const dialog = within(await screen.findByRole("dialog"));
  await userEvent.type(dialog.getByLabelText("API key"), "sk-1");
  await userEvent.click(dialog.getByRole("button", { name: "Save" }));
  expect(await dialog.findByText("NUL is not accepted.")).toBeVisible();
  expect(dialog.getByLabelText("API key")).toHaveValue("sk-1");
});

test("a new secret is shown once, and the tab signs in with it", async () => {
  server
    .on(`POST ${BASE}/secret/rotate`, () => ({ workspaceId: view.workspaceId, workspaceSecret: "hws_new" }))
    .on("POST /api/workspaces/login", () => ({ workspaceToken: "jwt2", expiresIn: 600 }));
  show();
  await userEvent.click(await screen.findByRole("button", { name: "Replace the secret" }));
  const dialog = within(await screen.findByRole("dialog"));
  await userEvent.click(dialog.getByRole("button", { name: "Replace the secret" }));
  expect(await screen.findByTestId("secret")).toHaveTextContent("hws_new");
  await waitFor(() =>
    expect(server.of("POST /api/workspaces/login")[0]?.body).toEqual({
      workspaceId: view.workspaceId,
      workspaceSecret: "hws_new",
    }),
  );
  await userEvent.click(screen.getByRole("button", { name: "I have kept it" }));
  expect(screen.queryByTestId("secret")).toBeNull();
});

test("a link hands a key over, and is taken back", async () => {
  const made = {
    handoverId: "iv1",
    kind: "key",
    keyId: "ky1",
    createdBy: "admin",
    token: "hot_x",
    url: "https://h/#redeem=hot_x",
  };
  const times = { createdAt: "2026-01-01T00:00:00Z", expiresAt: new Date(Date.now() + 300_000).toISOString() };
  let items: object[] = [];
  server
    .on(`GET ${BASE}/handover`, () => ({ items, nextCursor: null }))
    .on(`POST ${BASE}/handover`, () => {
      items = [{ ...made, ...times }];
      return { ...made, ...times };
    })
    .on(`DELETE ${BASE}/handover/iv1`, () => {
      items = [];
    });
  show();
  await userEvent.click(await screen.findByRole("button", { name: "New link" }));
  const dialog = within(await screen.findByRole("dialog"));
  await userEvent.click(dialog.getByRole("radio", { name: "A new key" }));
  await userEvent.type(dialog.getByLabelText("Name of the key"), "ci");
  await userEvent.click(dialog.getByRole("button", { name: "Make the link" }));
  expect(await screen.findByTestId("secret")).toHaveTextContent("https://h/#redeem=hot_x");
  expect(server.of(`POST ${BASE}/handover`)[0]?.body).toMatchObject({ kind: "key", rank: "member", name: "ci", lifetime: 300 });
  await userEvent.click(await screen.findByRole("button", { name: "Take back" }));
  await userEvent.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Take back" }));
  await waitFor(() => expect(screen.queryByTestId("secret")).toBeNull());
});

test("the workspace is deleted only by who types its name", async () => {
  server.on(`DELETE ${BASE}`, () => {
    view = workspace({ status: "deleted", deletedAt: "2026-01-01T00:00:00Z", purgesAt: "2030-01-01T00:00:00Z" });
    return Response.json(view);
  });
  const { history } = show();
  await userEvent.click(await screen.findByRole("button", { name: "Delete the workspace" }));
  const dialog = within(await screen.findByRole("dialog"));
  const act = dialog.getByRole("button", { name: "Delete the workspace" });
  expect(act).toBeDisabled();
  await userEvent.type(dialog.getByLabelText(/Type “Payments”/), "Payments");
  await userEvent.click(act);
  await waitFor(() => expect(history.at(-1)).toBe("/"));
  expect(server.of(`DELETE ${BASE}`)).toHaveLength(1);
});

test("a deleted workspace shows only until when it is kept, and is restored", async () => {
  view = workspace({ status: "deleted", deletedAt: "2026-01-01T00:00:00Z", purgesAt: "2030-01-01T00:00:00Z" });
  server.on(`POST ${BASE}/restore`, () => {
    view = workspace();
    return Response.json(view);
  });
  show();
  expect(await screen.findByText("Payments was deleted")).toBeVisible();
  expect(screen.queryByRole("region", { name: "Providers" })).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Restore the workspace" }));
  expect(await screen.findByRole("region", { name: "Providers" })).toBeVisible();
});

test("who only looks is offered nothing that would be refused", async () => {
  show(["workspaces:read"], { ...ADMIN, role: "person", scopes: [] });
  expect(await screen.findByRole("region", { name: "Providers" })).toBeVisible();
  for (const name of ["Name", "Hand over", "Deletion"]) expect(screen.queryByRole("region", { name })).toBeNull();
  for (const role of ["textbox", "switch"]) expect(screen.queryByRole(role)).toBeNull();
  for (const name of ["Set Codex", "Transfer"]) expect(screen.queryByRole("button", { name })).toBeNull();
  expect(part("Secret").getByText(/open it first/)).toBeVisible();
});

test("an administrator who has opened the room still transfers the workspace", async () => {
  server
    .on("GET /api/orgs", () => ({ items: [{ organisationId: "o1", slug: "a", name: "Acme", rank: null }], nextCursor: null }))
    .on(`POST ${BASE}/transfer`, () => Response.json(view));
  show();
  await userEvent.click(await screen.findByRole("button", { name: "Transfer" }));
  const dialog = within(await screen.findByRole("dialog"));
  await userEvent.click(dialog.getByRole("combobox"));
  await userEvent.click(await screen.findByRole("option", { name: "Acme" }));
  await userEvent.click(dialog.getByRole("button", { name: "Transfer" }));
  await waitFor(() => expect(server.of(`POST ${BASE}/transfer`)[0]?.body).toEqual({ organisationId: "o1" }));
  expect(server.of(`POST ${BASE}/transfer`)[0]?.headers.get("Authorization")).toBeNull();
});
