import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import type { Scope, SessionView } from "#/api/schema";
import { sized } from "#/testing/outside";
import { BASE, showInRoom, WORKSPACE } from "#/testing/page";
import { problem, Server } from "#/testing/server";
import { permission, session, terminal, turn } from "#/testing/sessions";
import Sessions from ".";

const SCOPES: readonly Scope[] = ["sessions:read", "sessions:write"];
const FAILED = session({ sessionId: "s9", status: "error", errorReason: "fatal: Authentication failed", ref: "main" });

let server: Server;

beforeEach(() => {
  sized();
  server = new Server();
});

function show(scopes = SCOPES, route = "") {
  return showInRoom(
    server,
    <main id="main">
      <Sessions />
    </main>,
    { scopes, route },
  );
}

async function showWith(...sessions: SessionView[]) {
  const shown = show();
  await screen.findByText("No session yet");
  for (const one of sessions) server.tell("session", one);
  await screen.findByRole("list", { name: "Sessions" });
  return shown;
}

async function openForm(): Promise<void> {
  const [button] = await screen.findAllByRole("button", { name: "New session" });
  if (button) await userEvent.click(button);
}

async function fill(label: string | RegExp, text: string): Promise<void> {
  await userEvent.click(screen.getByLabelText(label));
  await userEvent.paste(text);
}

function names(): (string | null)[] {
  return screen.getAllByRole("listitem").map((row) => within(row).getByRole("link").textContent);
}

test("without a session the page says what one is", async () => {
  show();
  await screen.findByRole("heading", { name: "No session yet" });
  expect(screen.getAllByRole("button", { name: "New session" })).toHaveLength(2);
});

test("who may not make sessions is offered none", async () => {
  show(["sessions:read"]);
  await screen.findByRole("heading", { name: "No session yet" });
  expect(screen.queryByRole("button", { name: "New session" })).toBeNull();
});

test("the list shows what goes on, as it goes on", async () => {
  await showWith(
    session({ usage: { input: 1000, output: 200, cacheRead: 0, cacheWrite: 0, cost: 1.5, model: null } }),
    session({ sessionId: "s2", name: "newer", lastActivity: "2026-01-02T00:00:00Z" }),
  );
  await waitFor(() => expect(names()).toEqual(["newer", "compiler"]));
  const [, row] = screen.getAllByRole("listitem");
  if (row === undefined) throw new Error("no row");
  expect(row).toHaveTextContent("example.org/tools/compiler");
  expect(row).toHaveTextContent("$1.50");
  server.tell("turn", turn());
  await within(row).findByText("Working");
  server.tell("permission", permission());
  await within(row).findByText("Asks you");
  server.tell("terminal", terminal());
  await within(row).findByText("1 terminal");
  server.tell("turn", turn({ status: "completed" }));
  server.tell("permission", permission({ waiting: false }));
  await waitFor(() => expect(within(row).queryByText("Asks you")).toBeNull());
  expect(within(row).queryByText("Working")).toBeNull();
});

test("a clone's progress is seen, and git's reason when it fails", async () => {
  await showWith(session({ status: "cloning", progress: { phase: "Receiving objects", percent: 12 } }));
  await screen.findByText("Receiving objects 12 %");
  server.tell("session", session({ status: "cloning", progress: { phase: "Resolving deltas", percent: 80 } }));
  await screen.findByText("Resolving deltas 80 %");
  expect(screen.getByRole("progressbar", { name: "Clone" })).toHaveAttribute("aria-valuenow", "80");
  server.tell("session", FAILED);
  await screen.findByText("Clone failed: fatal: Authentication failed");
});

test("a new session is made of what was typed, and is gone to", async () => {
  server.on(`POST ${BASE}/sessions`, () => session({ sessionId: "s7", status: "cloning" }));
  const { history } = show();
  await openForm();
  await fill("Repository", " git@example.org:a/b.git ");
  await fill("Branch, tag or commit", "topic");
  await userEvent.click(screen.getByText("SSH key"));
  await fill(/Private key/, "-----KEY-----");
  await userEvent.click(screen.getByRole("button", { name: "Clone" }));
  await waitFor(() => expect(history?.at(-1)).toBe(`/w/${WORKSPACE}/s/s7`));
  const [asked] = server.of(`POST ${BASE}/sessions`);
  expect(asked?.body).toEqual({
    repoUrl: "git@example.org:a/b.git",
    ref: "topic",
    name: null,
    auth: { type: "ssh_key", value: "-----KEY-----\n", username: null, knownHosts: null },
  });
});

test("what was told of a new session before its making was answered stays", async () => {
  server.on(`POST ${BASE}/sessions`, async () => {
    server.tell("session", FAILED);
    await screen.findByText(/Clone failed/);
    return session({ sessionId: FAILED.sessionId, status: "cloning" });
  });
  const { history } = show(SCOPES, "/*?");
  await openForm();
  await fill("Repository", "https://example.org/none.git");
  await userEvent.click(screen.getByRole("button", { name: "Clone" }));
  await waitFor(() => expect(history?.at(-1)).toBe(`/w/${WORKSPACE}/s/${FAILED.sessionId}`));
  expect(screen.getByText(/Clone failed/)).toBeVisible();
});

test("without an address the session is empty, and nothing else is asked", async () => {
  server.on(`POST ${BASE}/sessions`, () => session({ sessionId: "s7", repoUrl: null }));
  show();
  await openForm();
  expect(screen.queryByLabelText("Branch, tag or commit")).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Create" }));
  await waitFor(() => expect(server.of(`POST ${BASE}/sessions`)).toHaveLength(1));
  expect(server.asked.at(-1)?.body).toEqual({ repoUrl: null, ref: null, name: null, auth: null });
});

test("what the API refuses is said at its field, and what was typed stays", async () => {
  const errors = [{ pointer: "/repoUrl", parameter: null, detail: "this protocol is not allowed" }];
  server.on(`POST ${BASE}/sessions`, () => problem(400, { code: "invalid", detail: "the body is wrong", errors }));
  show();
  await openForm();
  const field = screen.getByLabelText("Repository");
  await fill("Repository", "http://example.org/a");
  await userEvent.click(screen.getByRole("button", { name: "Clone" }));
  await screen.findByText("This protocol is not allowed.");
  expect(field).toHaveValue("http://example.org/a");
  expect(field).toBeInvalid();
  await userEvent.click(screen.getByRole("button", { name: "Clone" }));
  await waitFor(() => expect(server.of(`POST ${BASE}/sessions`)).toHaveLength(2));
  const [one, other] = server.of(`POST ${BASE}/sessions`).map(({ headers }) => headers.get("Idempotency-Key"));
  expect(one).toBe(other);
  expect(one).not.toBe("");
});

test("an address with a password in it is not sent", async () => {
  show();
  await openForm();
  await fill("Repository", "https://me:secret@example.org/a");
  await userEvent.click(screen.getByRole("button", { name: "Clone" }));
  expect(screen.getByText(/Leave the password out/)).toBeVisible();
  expect(server.of(`POST ${BASE}/sessions`)).toHaveLength(0);
});

test("a failed clone is tried again with the form as it was, and gives way to the new one", async () => {
  server
    .on(`POST ${BASE}/sessions`, () => session({ sessionId: "s7", status: "cloning" }))
    .on(`DELETE ${BASE}/sessions/s9`, () => undefined);
  await showWith(FAILED);
  await userEvent.click(screen.getByRole("button", { name: "What to do with compiler" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: "Try again…" }));
  expect(screen.getByLabelText("Repository")).toHaveValue(FAILED.repoUrl);
  expect(screen.getByLabelText("Branch, tag or commit")).toHaveValue("main");
  await userEvent.click(screen.getByRole("button", { name: "Clone" }));
  await waitFor(() => expect(server.of(`DELETE ${BASE}/sessions/s9`)).toHaveLength(1));
});

test("a session is renamed", async () => {
  server.on(`PATCH ${BASE}/sessions/${session().sessionId}`, ({ body }) => ({ ...session(), ...Object(body) }));
  await showWith(session());
  await userEvent.click(screen.getByRole("button", { name: "What to do with compiler" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: "Rename…" }));
  await userEvent.type(screen.getByLabelText("Name *"), "{Control>}a{/Control}linker");
  await userEvent.click(screen.getByRole("button", { name: "Rename" }));
  await screen.findByRole("link", { name: "linker" });
});

test("before a session is deleted it is said what is lost", async () => {
  const { sessionId } = session();
  server.on(`DELETE ${BASE}/sessions/${sessionId}`, () => undefined);
  await showWith(session());
  server.tell("turn", turn());
  server.tell("terminal", terminal());
  await screen.findByText("1 terminal");
  await userEvent.click(screen.getByRole("button", { name: "What to do with compiler" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: "Delete…" }));
  const dialog = await screen.findByRole("dialog", { name: "Delete session" });
  expect(dialog).toHaveTextContent("Commits that were not pushed are lost");
  expect(dialog).toHaveTextContent("1 running turn and 1 terminal are ended.");
  await userEvent.click(within(dialog).getByRole("button", { name: "Delete" }));
  await screen.findByText("No session yet");
});

test("the keys find a session without a mouse", async () => {
  const { history } = await showWith(
    session({ sessionId: "s1", name: "one" }),
    session({ sessionId: "s2", name: "two", lastActivity: "2026-01-02T00:00:00Z" }),
  );
  await userEvent.keyboard("j");
  expect(screen.getByRole("link", { name: "two" })).toHaveFocus();
  await userEvent.keyboard("j");
  await waitFor(() => expect(screen.getByRole("link", { name: "one" })).toHaveFocus());
  await userEvent.keyboard("k");
  await waitFor(() => expect(screen.getByRole("link", { name: "two" })).toHaveFocus());
  await userEvent.keyboard("/");
  await userEvent.keyboard("one");
  expect(names()).toEqual(["one"]);
  await userEvent.keyboard("{Enter}");
  expect(history?.at(-1)).toBe(`/w/${WORKSPACE}/s/s1`);
});

test("a filter that finds nothing says so", async () => {
  await showWith(session());
  await fill("Filter sessions", "nothing");
  expect(screen.getByText("No session has “nothing” in it.")).toBeVisible();
});
