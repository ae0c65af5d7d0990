import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import { BASE, fill, showInRoom, WORKSPACE } from "#/testing/page";
import { problem, Server } from "#/testing/server";
import Tasks from ".";
import TaskPage from "./task";
import { sample } from "./task.samples";

const AGENTS = [
  { agent: "claude", title: "Claude Code", installed: true, auth: "ready", reason: null, models: [] },
  { agent: "codex", title: "Codex", installed: false, auth: "missing", reason: null, models: [] },
];
const ID = "ta000000000000000000000001";
const TURNS = { scopes: ["tasks:read", "turns:read"] } as const;

let server: Server;

beforeEach(() => {
  server = new Server()
    .on(`GET ${BASE}/tasks`, () => ({ items: [sample()], nextCursor: null }))
    .on(`GET ${BASE}/agents`, () => ({ items: AGENTS }));
});

function showTask(change: Parameters<typeof sample>[0], without: Parameters<typeof showInRoom>[2] = {}) {
  server.on(`GET ${BASE}/tasks/${ID}`, () => sample(change));
  return showInRoom(server, <TaskPage />, { at: `/tasks/${ID}`, route: "/tasks/:taskId", ...without });
}

test("the list changes as the room's events tell", async () => {
  showInRoom(server, <Tasks />);
  await screen.findByText("queued");
  server.tell("task", sample({ status: "running" }));
  await screen.findByText("running");
  server.tell("task", sample({ taskId: "ta2", excerpt: "Another", createdAt: "2026-01-02T00:00:00Z" }));
  await screen.findByRole("link", { name: "Another" });
});

test("an empty list says what a task is", async () => {
  server.on(`GET ${BASE}/tasks`, () => ({ items: [], nextCursor: null }));
  showInRoom(server, <Tasks />);
  await screen.findByRole("heading", { name: "No task yet" });
});

test("a task that is to begin later says when", async () => {
  const notBefore = new Date(Date.now() + 7 * 86_400_000).toISOString();
  server.on(`GET ${BASE}/tasks`, () => ({ items: [sample({ notBefore })], nextCursor: null }));
  showInRoom(server, <Tasks />);
  await screen.findByText("in 7 days");
});

test("a filter asks for one status alone", async () => {
  showInRoom(server, <Tasks />);
  await userEvent.click(await screen.findByText("Failed"));
  await waitFor(() => expect(server.of(`GET ${BASE}/tasks`).at(-1)?.path).toContain("status=failed"));
});

test("older tasks come with the cursor", async () => {
  server.on(`GET ${BASE}/tasks`, ({ path }) =>
    path.includes("cursor=next")
      ? { items: [sample({ taskId: "ta0", excerpt: "Oldest" })], nextCursor: null }
      : { items: [sample()], nextCursor: "next" },
  );
  showInRoom(server, <Tasks />);
  await userEvent.click(await screen.findByRole("button", { name: "Show older tasks" }));
  await screen.findByRole("link", { name: "Oldest" });
  expect(screen.queryByRole("button", { name: "Show older tasks" })).toBeNull();
});

test("who may only read makes no task", async () => {
  showInRoom(server, <Tasks />, { without: ["tasks:write"] });
  await screen.findByText("queued");
  expect(screen.queryByRole("button", { name: "New task" })).toBeNull();
});

test("a refused task keeps what was typed, and says what is wrong at the field", async () => {
  const refused = { code: "invalid", detail: "the request is wrong" };
  server.on(`POST ${BASE}/tasks`, () =>
    problem(400, { ...refused, errors: [{ detail: "is at most 3600 seconds", pointer: "/timeout" }] }),
  );
  showInRoom(server, <Tasks />);
  await userEvent.click(await screen.findByRole("button", { name: "New task" }));
  await fill(screen.getByRole("textbox", { name: /Prompt/ }), "Do it");
  await fill(screen.getByRole("textbox", { name: /Time limit/ }), "90");
  await userEvent.click(screen.getByRole("button", { name: "Queue task" }));
  await screen.findByText("Is at most 3600 seconds.");
  expect(screen.getByRole("textbox", { name: /Time limit/ })).toBeInvalid();
  expect(screen.getByRole("textbox", { name: /Prompt/ })).toHaveValue("Do it");
  expect(screen.queryByText("The request is wrong.")).toBeNull();
});

test("a task is sent once, under one key, and then shown", async () => {
  let tries = 0;
  server.on(`POST ${BASE}/tasks`, () => {
    tries += 1;
    return tries === 1 ? problem(503, { code: "unavailable", detail: "not now" }) : sample();
  });
  const { history } = showInRoom(server, <Tasks />);
  await userEvent.click(await screen.findByRole("button", { name: "New task" }));
  await fill(screen.getByRole("textbox", { name: /Prompt/ }), "Do it");
  await userEvent.click(screen.getByRole("button", { name: "Queue task" }));
  await screen.findByText("Not now.");
  await userEvent.click(screen.getByRole("button", { name: "Queue task" }));
  await waitFor(() => expect(history.at(-1)).toBe(`/w/${WORKSPACE}/tasks/${ID}`));
  const [first, second] = server.of(`POST ${BASE}/tasks`);
  expect(first?.headers.get("Idempotency-Key")).toMatch(/^[0-9a-f]{32}$/);
  expect(second?.headers.get("Idempotency-Key")).toBe(first?.headers.get("Idempotency-Key"));
  expect(second?.body).toMatchObject({ prompt: "Do it", permissions: "deny", sessionId: null, notBefore: null });
});

test("an agent that is not installed cannot be chosen", async () => {
  showInRoom(server, <Tasks />);
  await userEvent.click(await screen.findByRole("button", { name: "New task" }));
  await userEvent.click(screen.getByRole("combobox", { name: "Agent" }));
  expect(await screen.findByRole("option", { name: "Codex (not installed)" })).toHaveAttribute(
    "data-combobox-disabled",
    "true",
  );
});

test("a result is Markdown, and nothing in it runs", async () => {
  showTask({ status: "succeeded", result: "**Fine** <img src=x onerror=alert(1)> [x](javascript:alert(1))" });
  const result = await screen.findByRole("region", { name: "Result" });
  expect(result.querySelector("strong")).toHaveTextContent("Fine");
  expect(result.querySelector("img, a")).toBeNull();
});

test("a failed task says why, and is tried again", async () => {
  server.on(`POST ${BASE}/tasks/${ID}/retry`, () => sample({ status: "queued" }));
  showTask({ status: "failed", error: "the agent has crashed" });
  await screen.findByText("The agent has crashed.");
  server.on(`GET ${BASE}/tasks/${ID}`, () => sample({ status: "queued" }));
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  await screen.findByRole("button", { name: "Cancel task" });
});

test("a task whose agent has not begun has no log, which is no error", async () => {
  const turn = `${BASE}/sessions/s1/turns/t1`;
  server.on(`GET ${turn}`, () => problem(404, { code: "not_found", detail: "there is no such turn" }));
  showTask({ status: "failed", sessionId: "s1", turnId: "t1", error: "the workspace has spent $2.00 of its $1.00" }, TURNS);
  await screen.findByText("The agent has not begun, or its session is gone.");
  expect(screen.queryByRole("alert")).toBeNull();
});

test("a task that has ended is read again, for its result", async () => {
  showTask({ status: "running" });
  await screen.findByRole("button", { name: "Cancel task" });
  server.on(`GET ${BASE}/tasks/${ID}`, () => sample({ status: "succeeded", result: "All is well" }));
  server.tell("task", sample({ status: "succeeded" }));
  await screen.findByText("All is well");
});

test("running again begins with the form of the task", async () => {
  showTask({ status: "succeeded", repoUrl: "https://example.org/a.git", permissions: "allow", timeout: 600 });
  await userEvent.click(await screen.findByRole("button", { name: "Run again" }));
  expect(screen.getByRole("textbox", { name: /Prompt/ })).toHaveValue("Review the changes\nand say what is risky");
  expect(screen.getByRole("textbox", { name: /Repository/ })).toHaveValue("https://example.org/a.git");
  expect(screen.getByRole("textbox", { name: /Time limit/ })).toHaveValue("10");
  expect(screen.getByRole("radio", { name: /Allow/ })).toBeChecked();
});

test("a task is deleted after a question", async () => {
  server.on(`DELETE ${BASE}/tasks/${ID}`, () => undefined);
  const { history } = showTask({ status: "cancelled" });
  await userEvent.click(await screen.findByRole("button", { name: "Delete" }));
  expect(server.of(`DELETE ${BASE}/tasks/${ID}`)).toHaveLength(0);
  await userEvent.click((await screen.findAllByRole("button", { name: "Delete" })).at(-1) ?? document.body);
  await waitFor(() => expect(history.at(-1)).toBe(`/w/${WORKSPACE}/tasks`));
  expect(server.of(`DELETE ${BASE}/tasks/${ID}`)).toHaveLength(1);
});
