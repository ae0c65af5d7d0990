import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import type { KeyView } from "#/api/schema";
import { BASE, showInRoom } from "#/testing/page";
import { problem, Server } from "#/testing/server";
import Keys from "./index";

const KEYS = `${BASE}/keys`;
const LAPTOP: KeyView = {
  keyId: "ky1",
  kind: "workspace",
  workspaceId: "w1",
  organisationId: null,
  name: "laptop",
  prefix: "hst_AAAA",
  status: "live",
  rank: "viewer",
  scopes: ["files:read", "git:read"],
  workspaces: null,
  createdAt: "2026-01-01T00:00:00Z",
  createdBy: "w1",
  expiresAt: null,
  revokedAt: null,
  replaces: null,
  uses: 3,
  lastUsedAt: "2026-01-02T00:00:00Z",
};
const OLD: KeyView = {
  ...LAPTOP,
  keyId: "ky0",
  name: "old",
  prefix: "hst_OLD",
  status: "revoked",
  revokedAt: "2026-01-01T00:00:00Z",
};

let server: Server;
const user = userEvent.setup();

beforeEach(() => {
  server = new Server()
    .on(`GET ${KEYS}`, () => ({ items: [LAPTOP, OLD], nextCursor: null }))
    .on(`GET ${BASE}/connect`, () => ({
      url: "https://hostel.example/api/mcp",
      items: [
        { name: "env.local", title: "", path: ".env.local", mediaType: "text/plain", content: "HOSTEL_KEY=paste-a-key-here\n" },
      ],
    }));
});

async function make(name: string): Promise<void> {
  await user.click(await screen.findByRole("button", { name: "New key" }));
  await user.type(await screen.findByRole("textbox", { name: "Name" }), name);
  await user.click(screen.getByRole("button", { name: "Make the key" }));
}

test("keys that are good no more are shown when they are asked for", async () => {
  showInRoom(server, <Keys />);
  expect(await screen.findByText("laptop")).toBeVisible();
  expect(screen.queryByText("old")).toBeNull();
  await user.click(screen.getByRole("switch", { name: "Show revoked and expired (1)" }));
  expect(screen.getByText("old")).toBeVisible();
  expect(screen.queryByRole("button", { name: "Revoke old" })).toBeNull();
});

test("a new key is shown once, and stands in the environment for as long", async () => {
  server.on(`POST ${KEYS}`, () => ({ ...LAPTOP, keyId: "ky2", name: "CI", key: "hst_secret" }));
  showInRoom(server, <Keys />);
  await make("CI");
  expect(await screen.findByTestId("secret")).toHaveTextContent("hst_secret");
  expect(screen.getByRole("region", { name: ".env.local" })).toHaveTextContent("HOSTEL_KEY=hst_secret");
  expect(screen.getByText("holds the key")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "I have kept it" }));
  expect(document.body).not.toHaveTextContent("hst_secret");
  expect(screen.getByRole("region", { name: ".env.local" })).toHaveTextContent("HOSTEL_KEY=paste-a-key-here");
});

test("a key that is made again after a break is the same request, so that there are not two", async () => {
  const replies = [problem(503, { code: "unavailable", detail: "later" }), { ...LAPTOP, key: "hst_secret" }];
  server.on(`POST ${KEYS}`, () => replies.shift());
  showInRoom(server, <Keys />);
  await make("CI");
  expect(await screen.findByText("Later.")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Make the key" }));
  await screen.findByTestId("secret");
  const [first, second] = server.of(`POST ${KEYS}`);
  expect(second?.body).toEqual(first?.body);
  expect(second?.headers.get("Idempotency-Key")).toBe(first?.headers.get("Idempotency-Key"));
});

test("what the server does not take is said at its field, and what was typed stays", async () => {
  server.on(`POST ${KEYS}`, () => problem(422, { code: "invalid", errors: [{ pointer: "/name", detail: "is taken" }] }));
  showInRoom(server, <Keys />);
  await make("CI");
  const name = await screen.findByRole("textbox", { name: "Name" });
  await waitFor(() => expect(name).toHaveAccessibleDescription(expect.stringContaining("Is taken.")));
  expect(name).toHaveValue("CI");
});

test("rights are chosen one by one", async () => {
  server.on(`POST ${KEYS}`, () => ({ ...LAPTOP, key: "hst_secret" }));
  showInRoom(server, <Keys />);
  await user.click(await screen.findByRole("button", { name: "New key" }));
  await user.click(await screen.findByRole("radio", { name: "Right by right" }));
  await user.click(screen.getByRole("checkbox", { name: "git:write" }));
  await user.click(screen.getByRole("checkbox", { name: "files:read" }));
  await user.type(screen.getByRole("textbox", { name: "Name" }), "CI");
  await user.click(screen.getByRole("button", { name: "Make the key" }));
  await screen.findByTestId("secret");
  expect(server.of(`POST ${KEYS}`)[0]?.body).toMatchObject({ name: "CI", rank: null, scopes: ["files:read", "git:write"] });
});

test("what is taken away from a key is what differs, of the version that was seen", async () => {
  server.on(`GET ${KEYS}/ky1`, () => Response.json(LAPTOP, { headers: { ETag: '"1"' } })).on(`PATCH ${KEYS}/ky1`, () => LAPTOP);
  showInRoom(server, <Keys />);
  await user.click(await screen.findByRole("button", { name: "Edit laptop" }));
  await user.click(await screen.findByRole("checkbox", { name: "git:read" }));
  await user.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  const [asked] = server.of(`PATCH ${KEYS}/ky1`);
  expect([asked?.body, asked?.headers.get("If-Match")]).toEqual([{ scopes: ["files:read"] }, '"1"']);
});

test("somebody else's change is told, and nothing is written over it", async () => {
  server
    .on(`GET ${KEYS}/ky1`, () => Response.json(LAPTOP, { headers: { ETag: '"1"' } }))
    .on(`PATCH ${KEYS}/ky1`, () => problem(412, { code: "precondition_failed" }));
  showInRoom(server, <Keys />);
  await user.click(await screen.findByRole("button", { name: "Edit laptop" }));
  await user.type(await screen.findByRole("textbox", { name: "Name" }), "2");
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect(await screen.findByText(/Somebody else has changed this key/)).toBeVisible();
  expect(screen.getByRole("textbox", { name: "Name" })).toHaveValue("laptop2");
});

test("a key is replaced with an overlap, and the new one is shown", async () => {
  server.on(`POST ${KEYS}/ky1/rotate`, () => ({ ...LAPTOP, keyId: "ky3", replaces: "ky1", key: "hst_next" }));
  showInRoom(server, <Keys />);
  await user.click(await screen.findByRole("button", { name: "Rotate laptop" }));
  await user.selectOptions(await screen.findByRole("combobox", { name: "The old key ends" }), "1 day later");
  await user.click(screen.getByRole("button", { name: "Rotate" }));
  expect(await screen.findByTestId("secret")).toHaveTextContent("hst_next");
  expect(server.of(`POST ${KEYS}/ky1/rotate`)[0]?.body).toEqual({ overlap: 86_400 });
});

test("a key is revoked when that was confirmed", async () => {
  let revoked = false;
  server
    .on(`DELETE ${KEYS}/ky1`, () => {
      revoked = true;
    })
    .on(`GET ${KEYS}`, () => ({ items: revoked ? [] : [LAPTOP], nextCursor: null }));
  showInRoom(server, <Keys />);
  await user.click(await screen.findByRole("button", { name: "Revoke laptop" }));
  expect(revoked).toBe(false);
  await user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Revoke" }));
  expect(await screen.findByText("No key is in use")).toBeVisible();
});

test("who may not see keys can connect an agent nevertheless", async () => {
  showInRoom(server, <Keys />, { without: ["keys:read", "keys:write"] });
  expect(await screen.findByText("Keys are for those who manage the workspace")).toBeVisible();
  expect(await screen.findByRole("region", { name: ".env.local" })).toBeVisible();
  expect(server.of(`GET ${KEYS}`)).toEqual([]);
});

test("who may only see keys is offered nothing else", async () => {
  showInRoom(server, <Keys />, { without: ["keys:write"] });
  expect(await screen.findByText("laptop")).toBeVisible();
  expect(screen.queryByRole("button", { name: "New key" })).toBeNull();
  expect(screen.queryByRole("button", { name: "Revoke laptop" })).toBeNull();
  expect(screen.getByText(/somebody who manages the workspace has given you/)).toBeVisible();
});
