import { fireEvent, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";
import { showInRoom, WORKSPACE } from "#/testing/page";
import { problem, type Server } from "#/testing/server";
import Chat from ".";
import { AT, begin, ended, event, field, forget, HEAD, SCOPES, SESSION, show, started, tell } from "./testing";

let server: Server;

beforeEach(() => {
  server = begin();
});

const prompts = () => server.of(`POST ${AT}/prompt`);

test("a conversation is there as its log says, with what it has used", async () => {
  await show(started("t1", "fix it"), event("t1", { type: "message", text: "All **done**." }), ended("t1"));
  expect(screen.getByText("fix it")).toBeVisible();
  expect(screen.getByText("done").tagName).toBe("STRONG");
  expect(screen.getAllByText(/1.2K in \(800 cached\), 50 out · \$0.010/)).toHaveLength(2);
  expect(screen.getByRole("link", { name: "Changes of this turn" })).toHaveAttribute(
    "href",
    `/w/${WORKSPACE}/s/${SESSION}/changes?turn=t1`,
  );
});

test("of a long conversation the last steps are drawn first, and what came before on demand", async () => {
  const turns = Array.from({ length: 4 }, (_, turn) => [
    started(`t${turn}`, `prompt ${turn}`),
    ...Array.from({ length: 60 }, (_, step) => event(`t${turn}`, { type: "notice", text: `step ${step} of ${turn}` })),
    ended(`t${turn}`),
  ]);
  await show(...turns.flat());
  expect(screen.getByText("step 59 of 3")).toBeVisible();
  expect(screen.getByText("prompt 2")).toBeVisible();
  expect(screen.queryByText("prompt 1")).toBeNull();
  tell(started("t4", "prompt 4"));
  expect(screen.getByText("prompt 2")).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Show 2 earlier turns" }));
  expect(screen.getByText("prompt 0")).toBeVisible();
  expect(screen.queryByRole("button", { name: /earlier/ })).toBeNull();
});

test("a log that cannot be read says so, and is there once it can be", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0);
  let away = true;
  const items = [started("t1", "fix it")];
  server.on(`GET ${AT}/events`, () => (away ? problem(503, { code: "unavailable", detail: "away" }) : { items, last: 1 }));
  showInRoom(server, <Chat sessionId={SESSION} />, { at: `/s/${SESSION}`, scopes: SCOPES });
  expect(await screen.findByText("The server cannot be reached, trying again…")).toBeInTheDocument();
  away = false;
  expect(await screen.findByText("fix it")).toBeVisible();
});

test("Enter sends the prompt once, and it is there before the log tells of it", async () => {
  await show();
  await userEvent.type(field(), "hello{Shift>}{Enter}{/Shift}there{Enter}");
  await waitFor(() => expect(prompts()).toHaveLength(1));
  expect(prompts()[0]?.body).toMatchObject({ text: "hello\nthere", agent: "claude", worktreeId: null });
  expect(prompts()[0]?.headers.get("Idempotency-Key")).toMatch(/^[0-9a-f]{32}$/);
  expect(screen.getByRole("article", { name: "A prompt that is on its way" })).toHaveTextContent("hello");
  expect(field()).toHaveValue("");
  tell(started("next", "hello there"));
  await waitFor(() => expect(screen.queryByRole("article", { name: "A prompt that is on its way" })).toBeNull());
  expect(prompts()).toHaveLength(1);
});

test("a prompt that the network has lost is sent again under the same key", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0);
  let tries = 0;
  server.on(`POST ${AT}/prompt`, () => {
    tries += 1;
    return tries === 1 ? problem(503, { code: "unavailable", detail: "the room starts" }) : { turnId: "next" };
  });
  await show();
  await userEvent.type(field(), "hello{Enter}");
  expect(await screen.findByText(/Not sent yet: The room starts/)).toBeVisible();
  await waitFor(() => expect(prompts()).toHaveLength(2), { timeout: 3000 });
  const [first, second] = prompts().map((prompt) => prompt.headers.get("Idempotency-Key"));
  expect(second).toBe(first);
});

test("while a turn runs prompts wait, and the next goes when it is over", async () => {
  await show(started("t1"));
  await userEvent.type(field(), "second{Enter}third{Enter}");
  const queue = screen.getByRole("region", { name: "Prompts that wait" });
  expect([...queue.querySelectorAll("li")].map((item) => item.textContent)).toEqual(["second", "third"]);
  expect(prompts()).toHaveLength(0);
  await userEvent.click(screen.getAllByRole("button", { name: "Send earlier" })[1] ?? queue);
  tell(ended("t1"));
  await waitFor(() => expect(prompts().map((prompt) => prompt.body)).toMatchObject([{ text: "third" }]));
});

test("the queue is held after a turn that has failed, outlives a reload, and goes on when somebody says so", async () => {
  const page = await show(started("t1"));
  await userEvent.type(field(), "second{Enter}");
  tell(ended("t1", "failed"));
  expect(await screen.findByText(/The turn before has failed/)).toBeVisible();
  expect(screen.getByText("out of luck")).toBeVisible();
  page.unmount();
  forget();
  await show(started("t1"), ended("t1", "failed"));
  expect(screen.getByText("second")).toBeVisible();
  expect(prompts()).toHaveLength(0);
  await userEvent.click(screen.getByRole("button", { name: "Send now" }));
  await waitFor(() => expect(prompts().map((prompt) => prompt.body)).toMatchObject([{ text: "second" }]));
});

test("what the budget refuses stays, says why, and leads to the limits", async () => {
  server.on(`POST ${AT}/prompt`, () => problem(402, { code: "budget", detail: "the workspace has spent its budget of today" }));
  await show();
  await userEvent.type(field(), "hello{Enter}");
  expect(await screen.findByText(/has spent its budget of today/)).toBeVisible();
  expect(screen.getByRole("link", { name: "Usage and limits" })).toHaveAttribute("href", `/w/${WORKSPACE}/usage`);
  await userEvent.click(screen.getByRole("button", { name: "Edit the prompt" }));
  expect(field()).toHaveValue("hello");
});

test("a draft outlives a reload", async () => {
  const page = await show();
  await userEvent.type(field(), "not finish");
  page.unmount();
  await show();
  expect(field()).toHaveValue("not finish");
});

test("a plan's steps may say of themselves what they like", async () => {
  const entries = ["constructor", "__proto__", "toString"].map((status) => ({ content: `step ${status}`, status }));
  await show(started("t1"), event("t1", { type: "plan", entries }));
  expect(await screen.findByText("step constructor")).toBeVisible();
});

test("Escape twice, and Ctrl with a full stop, stop the turn that runs", async () => {
  server.on(`POST ${AT}/turns/t1/cancel`, () => ({}));
  await show(started("t1"));
  await userEvent.keyboard("{Escape}");
  expect(server.of(`POST ${AT}/turns/t1/cancel`)).toHaveLength(0);
  await userEvent.keyboard("{Escape}");
  await waitFor(() => expect(server.of(`POST ${AT}/turns/t1/cancel`)).toHaveLength(1));
  await userEvent.keyboard("{Control>}.{/Control}");
  expect(server.of(`POST ${AT}/turns/t1/cancel`)).toHaveLength(1);
});

test("an @ offers paths, and Enter takes one without sending", async () => {
  const file = { kind: "file", size: 1, mode: "644", modifiedAt: HEAD.at, target: null, etag: null };
  server.on(`GET ${AT}/files`, () => ({ items: [{ ...file, path: "main.ts", name: "main.ts" }], nextCursor: null }));
  await show();
  await userEvent.type(field(), "see @ma");
  expect(await screen.findByRole("option", { name: "main.ts" })).toHaveAttribute("aria-selected", "true");
  await userEvent.keyboard("{Enter}");
  expect(field()).toHaveValue("see @main.ts ");
  expect(prompts()).toHaveLength(0);
});

test("a tool's line opens to what went in and what came out", async () => {
  const call = { type: "toolCall", call: "c1", kind: "edit", status: "completed", truncated: false } as const;
  const input = { file_path: "/a.ts", old_string: "one", new_string: "two" };
  await show(started("t1"), event("t1", { ...call, title: "Edit a.ts", input, output: "\u001b[32mfine\u001b[0m" }));
  const row = screen.getByText("Edit a.ts").closest("details");
  if (row === null) throw new Error("there is no row");
  expect(row).toHaveTextContent("+1");
  row.open = true;
  fireEvent(row, new Event("toggle"));
  expect(await screen.findByRole("region", { name: "Changes of /a.ts" })).toHaveTextContent("two");
  expect(screen.getByRole("group", { name: "Output" })).toHaveTextContent("fine");
});

test("a tool's line tells a path from the clone, and whole where it points and when it is open", async () => {
  const title = `Read /home/${WORKSPACE}/vibecoder_workspace/sessions/${SESSION}/repo/src/x.py`;
  const told = { kind: "read", status: "completed", input: null, output: "text", truncated: false } as const;
  await show(started("t1"), event("t1", { type: "toolCall", call: "c1", title, ...told }));
  const line = screen.getByText("Read src/x.py");
  expect(line).toHaveAttribute("title", title);
  const row = line.closest("details");
  if (row === null) throw new Error("there is no row");
  row.open = true;
  fireEvent(row, new Event("toggle"));
  expect(await screen.findByText(title)).toBeVisible();
});

test("who may only read has no prompt to write", async () => {
  showInRoom(server, <Chat sessionId={SESSION} />, { at: `/s/${SESSION}`, scopes: SCOPES, without: ["turns:write"] });
  expect(await screen.findByText("Your role may read here, and not write.")).toBeVisible();
});
