import { act, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";
import type { Scope, SessionView, WorktreeView } from "#/api/schema";
import { BASE, showInRoom, WORKSPACE } from "#/testing/page";
import { problem, Server } from "#/testing/server";
import { permission, session, terminal, turn } from "#/testing/sessions";
import { SessionFrame } from "./frame";

const ID = session().sessionId;
const AT = `/w/${WORKSPACE}/s/${ID}`;
const IT = `${BASE}/sessions/${ID}`;
const SCOPES: readonly Scope[] = ["sessions:read", "sessions:write"];
const TREE: WorktreeView = {
  worktreeId: "wt1",
  sessionId: ID,
  workspaceId: WORKSPACE,
  name: "parser",
  branch: "topic/parser",
  commit: null,
  createdAt: "2026-01-01T00:00:00Z",
};

let server: Server;

beforeEach(() => {
  server = new Server().on(`GET ${IT}`, () => session()).on(`GET ${IT}/worktrees`, () => ({ items: [TREE], nextCursor: null }));
});

async function show(told: SessionView = session(), scopes = SCOPES, part = "") {
  const frame = <SessionFrame sessionId={ID}>what is in it</SessionFrame>;
  const shown = showInRoom(server, frame, { at: `/s/${ID}${part}`, route: "/s/:sessionId/*?", scopes });
  await screen.findByText("There is no such session");
  server.tell("session", told);
  await screen.findByRole("heading", { level: 1, name: told.name });
  return shown;
}

test("the ways between its pages say what goes on there", async () => {
  await show();
  expect(screen.getByText("what is in it")).toBeVisible();
  expect(screen.getByRole("link", { name: "Chat" })).toHaveAttribute("aria-current", "page");
  server.tell("turn", turn());
  server.tell("terminal", terminal());
  server.tell("terminal", terminal({ terminalId: "t2", status: "exited" }));
  await screen.findByRole("link", { name: "Chat 1 running turn" });
  await screen.findByRole("link", { name: "Terminals 1 running terminal" });
  server.tell("permission", permission());
  await screen.findByRole("link", { name: "Chat 1 waiting permission" });
});

test("the tab is called by the session and the page, and says that a question waits while nobody looks", async () => {
  await show(session(), SCOPES, "/files");
  expect(document.title).toBe("compiler · Files · hostel");
  server.tell("session", session({ name: "linker" }));
  await waitFor(() => expect(document.title).toBe("linker · Files · hostel"));
  server.tell("permission", permission());
  await screen.findByRole("link", { name: "Chat 1 waiting permission" });
  expect(document.title).toBe("linker · Files · hostel");
  vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
  act(() => void document.dispatchEvent(new Event("visibilitychange")));
  expect(document.title).toBe("(!) linker · Files · hostel");
});

test("Alt and a digit go to a page, from a text field too", async () => {
  const { history } = await show();
  await userEvent.click(screen.getByRole("button", { name: "compiler" }));
  await userEvent.keyboard("{Alt>}[Digit3]{/Alt}");
  expect(history?.at(-1)).toBe(`${AT}/files`);
});

test("its name is changed in its place", async () => {
  server.on(`PATCH ${IT}`, ({ body }) => ({ ...session(), ...Object(body) }));
  await show();
  await userEvent.click(screen.getByRole("button", { name: "compiler" }));
  await userEvent.paste("linker");
  await userEvent.keyboard("{Enter}");
  await screen.findByRole("heading", { level: 1, name: "linker" });
  expect(server.of(`PATCH ${IT}`)).toHaveLength(1);
});

test("a name that is refused can be corrected, and Escape leaves it as it was", async () => {
  server.on(`PATCH ${IT}`, () =>
    problem(400, { code: "invalid", detail: "wrong", errors: [{ pointer: "/name", detail: "is too long" }] }),
  );
  await show();
  await userEvent.click(screen.getByRole("button", { name: "compiler" }));
  await userEvent.paste("x".repeat(300));
  await userEvent.keyboard("{Enter}");
  await screen.findByText("Is too long.");
  await userEvent.keyboard("{Escape}");
  await screen.findByRole("heading", { level: 1, name: "compiler" });
});

test("while something runs it is told when it stops, and keeping it alive moves that", async () => {
  const soon = new Date(Date.now() + 100_000).toISOString();
  const late = new Date(Date.now() + 7_000_000).toISOString();
  server
    .on(`GET ${IT}`, () => session({ shutdownDeadline: soon }))
    .on(`POST ${IT}/keepalive`, () => session({ shutdownDeadline: late }));
  await show(session({ shutdownDeadline: soon }));
  expect(screen.getByText(/^1 min \d\d s$/)).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Keep alive" }));
  await screen.findByText("1 h 56 min");
});

test("what was begun in a terminal is looked at anew, for nobody tells the deadline", async () => {
  await show();
  expect(screen.queryByText("Stops in")).toBeNull();
  server.on(`GET ${IT}`, () => session({ shutdownDeadline: new Date(Date.now() + 7_000_000).toISOString() }));
  server.tell("terminal", terminal());
  await screen.findByText("1 h 56 min");
});

test("while it is cloned its pages wait", async () => {
  await show(session({ status: "cloning", progress: { phase: "Receiving objects", percent: 40 } }));
  expect(screen.getByRole("progressbar", { name: "Clone" })).toHaveAttribute("aria-valuenow", "40");
  expect(screen.queryByText("what is in it")).toBeNull();
  server.tell("session", session());
  await screen.findByText("what is in it");
});

test("a clone that has failed says why, and can be tried again", async () => {
  await show(session({ status: "error", errorReason: "fatal: repository not found" }));
  expect(screen.getByRole("alert")).toHaveTextContent("fatal: repository not found");
  await userEvent.click(screen.getByRole("button", { name: "Try again…" }));
  expect(screen.getByLabelText("Repository")).toHaveValue(session().repoUrl);
});

test("the repository is a link where a browser can follow it, and else its name", async () => {
  await show();
  expect(screen.getByRole("link", { name: "example.org/tools/compiler" })).toHaveAttribute("href", session().repoUrl);
  server.tell("session", session({ repoUrl: "git@example.org:tools/compiler.git", ref: "main" }));
  await screen.findByText("example.org/tools/compiler @ main");
  expect(screen.queryByRole("link", { name: /compiler/ })).toBeNull();
});

test("a worktree is made", async () => {
  server.on(`POST ${IT}/worktrees`, () => TREE);
  await show();
  await userEvent.click(screen.getByRole("button", { name: "Worktrees" }));
  await screen.findByText("topic/parser");
  await userEvent.click(screen.getByRole("button", { name: "New worktree…" }));
  await userEvent.click(await screen.findByLabelText("Branch"));
  await userEvent.paste("fix");
  await userEvent.click(screen.getByLabelText("Start"));
  await userEvent.paste("main");
  await userEvent.click(screen.getByRole("button", { name: "Create" }));
  await waitFor(() => expect(server.of(`POST ${IT}/worktrees`)).toHaveLength(1));
  expect(server.of(`POST ${IT}/worktrees`)[0]?.body).toEqual({ branch: "fix", start: "main", name: null });
});

test("a worktree with changes is removed only when that is said twice", async () => {
  server.on(`DELETE ${IT}/worktrees/wt1`, ({ path }) =>
    path.endsWith("force=true") ? undefined : problem(409, { code: "conflict", detail: "the worktree has changes" }),
  );
  await show();
  await userEvent.click(screen.getByRole("button", { name: "Worktrees" }));
  await userEvent.click(await screen.findByRole("button", { name: "Remove parser" }));
  const dialog = await screen.findByRole("dialog", { name: "Remove worktree" });
  await userEvent.click(within(dialog).getByRole("button", { name: "Remove" }));
  await within(dialog).findByText(/has changes that are not committed/);
  await userEvent.click(within(dialog).getByRole("button", { name: "Remove, and lose the changes" }));
  await waitFor(() => expect(screen.queryByRole("dialog", { name: "Remove worktree" })).toBeNull());
  expect(server.of(`DELETE ${IT}/worktrees/wt1`).map(({ path }) => path.split("?")[1])).toEqual(["force=false", "force=true"]);
});

test("when it is deleted the page leads back to the list", async () => {
  server.on(`DELETE ${IT}`, () => undefined);
  const { history } = await show();
  await userEvent.click(screen.getByRole("button", { name: "What to do with the session" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: "Delete the session…" }));
  await userEvent.click(await screen.findByRole("button", { name: "Delete" }));
  await waitFor(() => expect(history?.at(-1)).toBe(`/w/${WORKSPACE}`));
});

test("who may only look can change nothing", async () => {
  await show(session({ shutdownDeadline: new Date(Date.now() + 100_000).toISOString() }), ["sessions:read"]);
  expect(screen.queryByRole("button", { name: "Keep alive" })).toBeNull();
  expect(screen.queryByRole("button", { name: "compiler" })).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "What to do with the session" }));
  await screen.findByRole("menuitem", { name: "Copy the session's id" });
  expect(screen.queryByRole("menuitem", { name: /Delete/ })).toBeNull();
});
