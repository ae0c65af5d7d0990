import { fireEvent, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { settle } from "#/api/identity";
import type { Me } from "#/api/schema";
import { App } from "#/app";
import { ADMIN, showOutside } from "#/testing/outside";
import { ME } from "#/testing/page";
import { problem, Server } from "#/testing/server";
import { settleLink } from "./link";

const WORKSPACE = "w000000000000000000000001";

let server: Server;
let me: Me | null;

beforeEach(() => {
  me = null;
  server = new Server()
    .on("GET /api/auth/me", () => me ?? problem(401, { code: "unauthorized", detail: "no credential" }))
    .on("GET /api/auth/providers", () => ({ items: [], pam: false }))
    .on("GET /api/workspaces", () => ({ items: [], nextCursor: null }))
    .on("GET /api/orgs", () => ({ items: [], nextCursor: null }))
    .on("POST /api/auth/session", () => {
      me = ADMIN;
      return { role: "admin", subject: "admin", expiresAt: "2026-01-01T00:00:00Z" };
    });
});

// The pages are loaded when they are first shown; no test waits for that.
beforeAll(() => Promise.all([import("#/pages/workspaces"), import("#/pages/workspaces/new"), import(".")]));

afterEach(() => {
  settleLink();
  settle();
});

/** The page is opened by a link. */
function link(fragment: string): void {
  history.replaceState(null, "", `/${fragment}`);
  fireEvent(window, new HashChangeEvent("hashchange"));
}

/** Somebody types the workspace's id, and a secret. */
async function enterSecret(secret: string): Promise<void> {
  fireEvent.change(await screen.findByLabelText(/Workspace id/), { target: { value: WORKSPACE } });
  fireEvent.change(screen.getByLabelText(/Workspace secret/), { target: { value: secret } });
  await userEvent.click(screen.getByRole("button", { name: "Sign in" }));
}

test("a link signs in, and its token is sent once and leaves the address", async () => {
  server.on("POST /api/auth/redeem", () => ({ kind: "admin", accessToken: "jwt", expiresIn: 60 }));
  link("#redeem=hinv_once");
  showOutside(<App />, { me: null });
  expect(await screen.findByRole("heading", { name: "Workspaces" })).toBeVisible();
  expect(server.of("POST /api/auth/redeem").map(({ body }) => body)).toEqual([{ token: "hinv_once" }]);
  expect(server.of("POST /api/auth/session")[0]?.headers.get("Authorization")).toBe("Bearer jwt");
  expect(location.hash).toBe("");
});

test("a link that somebody has slipped to who is signed in changes nothing before they say so", async () => {
  me = ADMIN;
  server.on("POST /api/auth/redeem", () => ({ kind: "admin", accessToken: "jwt", expiresIn: 60 }));
  link("#redeem=hinv_theirs");
  showOutside(<App />, { me: ADMIN });
  const button = await screen.findByRole("button", { name: "Use the one-time link instead" });
  expect(server.of("POST /api/auth/redeem")).toEqual([]);
  expect(location.hash).toBe("");
  await userEvent.click(button);
  await waitFor(() => expect(server.of("POST /api/auth/redeem")).toHaveLength(1));
});

test("a link that was used before says so, and the other ways in are there", async () => {
  server.on("POST /api/auth/redeem", () =>
    problem(401, { code: "unauthorized", detail: "the credential is wrong, expired or used up" }),
  );
  link("#redeem=hinv_used");
  showOutside(<App />, { me: null });
  expect(await screen.findByRole("alert")).toHaveTextContent("The credential is wrong, expired or used up.");
  expect(screen.getByLabelText(/Workspace id/)).toBeVisible();
  expect(server.of("POST /api/auth/redeem")).toHaveLength(1);
});

test("a key that was handed over is shown, and signs nobody in", async () => {
  server.on("POST /api/auth/redeem", () => ({ kind: "key", key: "hst_abc", workspaceId: WORKSPACE }));
  link("#redeem=hot_key");
  showOutside(<App />, { me: null });
  expect(await screen.findByTestId("secret")).toHaveTextContent("hst_abc");
  expect(server.of("POST /api/auth/session")).toEqual([]);
});

test.each([
  ["unauthorized", /took too long, was used before, or was refused/],
  ["forbidden", /this account may not use this server/],
  ["timeout", /did not answer in time/],
  ["unavailable", /cannot be reached/],
  ["nobody-knows", /You are not signed in\./],
  ["constructor", /You are not signed in\./],
  ["__proto__", /You are not signed in\./],
])("what a provider's refusal “%s” means is said", async (code, text) => {
  link(`#signin-error=${code}`);
  showOutside(<App />, { me: null });
  expect(await screen.findByRole("alert")).toHaveTextContent(text);
});

test("operators sign in with their account only where that is configured", async () => {
  showOutside(<App />, { me: null });
  await screen.findByRole("tab", { name: "Workspace" });
  expect(screen.queryByRole("tab", { name: "Operator" })).toBeNull();
});

test("an operator signs in", async () => {
  server
    .on("GET /api/auth/providers", () => ({ items: [], pam: true }))
    .on("POST /api/auth/pam", () => {
      me = ADMIN;
      return { role: "admin", subject: "admin:ada", expiresAt: "2026-01-01T00:00:00Z" };
    });
  showOutside(<App />, { me: null });
  await userEvent.click(await screen.findByRole("tab", { name: "Operator" }));
  await userEvent.type(screen.getByLabelText(/Account on this host/), "ada");
  await userEvent.type(screen.getByLabelText(/Password/), "secret{Enter}");
  expect(await screen.findByRole("heading", { name: "Workspaces" })).toBeVisible();
  expect(server.of("POST /api/auth/pam")[0]?.body).toEqual({ user: "ada", password: "secret" });
});

test("what was typed stays when a workspace's secret is wrong", async () => {
  server.on("POST /api/workspaces/login", () => problem(401, { code: "unauthorized", detail: "the credential is wrong" }));
  showOutside(<App />, { me: null });
  await enterSecret("hws_wrong");
  expect(await screen.findByText("The credential is wrong.")).toBeVisible();
  expect(screen.getByLabelText(/Workspace id/)).toHaveValue(WORKSPACE);
  expect(screen.getByLabelText(/Workspace secret/)).toHaveValue("hws_wrong");
});

test("a sign-in that ends under an open form asks again, keeps what was typed, and goes on", async () => {
  me = ADMIN;
  let ended = false;
  const refused = () => problem(401, { code: "unauthorized", detail: "the token has expired" });
  server
    .on("GET /api/auth/me", () => (ended ? refused() : me))
    .on("POST /api/workspaces", () => (ended ? refused() : problem(429, { code: "limit", detail: "too many" })))
    .on("POST /api/workspaces/login", () => ({ workspaceToken: "jwt", expiresIn: 60 }))
    .on("POST /api/auth/session", () => {
      ended = false;
      return { role: "admin", subject: "admin", expiresAt: "2026-01-01T00:00:00Z" };
    });
  const { queries } = showOutside(<App />, { at: "/new" });
  await userEvent.type(await screen.findByLabelText("Name"), "Half a name");
  ended = true;
  await userEvent.click(screen.getByRole("button", { name: "Create the workspace" }));
  const dialog = await screen.findByRole("dialog", { name: "Your sign-in has ended" });
  await queries.invalidateQueries({ queryKey: ["me"] });
  expect(dialog).toBeVisible();
  await enterSecret("hws_right");
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(screen.getByLabelText("Name")).toHaveValue("Half a name");
  expect(server.of("GET /api/orgs").length).toBeGreaterThan(1);
});

test("the window that a provider has sent back tells the page that waits, and closes", async () => {
  me = ADMIN;
  const close = vi.spyOn(window, "close").mockImplementation(() => {});
  const other = new BroadcastChannel("hostel.signed-in");
  const told = new Promise((resolve) => other.addEventListener("message", resolve, { once: true }));
  showOutside(<App />, { at: "/signin/done" });
  expect(await screen.findByText(/You can close this window/)).toBeVisible();
  await told;
  expect(close).toHaveBeenCalled();
  other.close();
});

test("somebody else who signs in instead sees nothing of what was open", async () => {
  me = ADMIN;
  server
    .on("POST /api/workspaces", () => {
      me = null;
      return problem(401, { code: "unauthorized", detail: "the token has expired" });
    })
    .on("POST /api/workspaces/login", () => ({ workspaceToken: "jwt", expiresIn: 60 }))
    .on("POST /api/auth/session", () => {
      me = { ...ME, name: "Somebody" };
      return { role: "person", subject: "u", expiresAt: "2026-01-01T00:00:00Z" };
    });
  const { history: gone } = showOutside(<App />, { at: "/new" });
  await userEvent.type(await screen.findByLabelText("Name"), "Half a name");
  await userEvent.click(screen.getByRole("button", { name: "Create the workspace" }));
  await screen.findByRole("dialog", { name: "Your sign-in has ended" });
  await enterSecret("hws_right");
  expect(await screen.findByRole("heading", { name: "Workspaces" })).toBeVisible();
  expect(gone.at(-1)).toBe("/");
});
