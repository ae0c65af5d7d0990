import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";
import type { Server } from "#/testing/server";
import { AT, answerable, asked, begin, event, field, show, started, tell } from "../testing";
import { GUARD } from "./answering";

let server: Server;

beforeEach(() => {
  server = begin();
});

test("a permission is answered by keyboard: a allows once, A always, d denies", async () => {
  server.on(`POST ${AT}/permissions/p1`, () => ({}));
  const answers = () => server.of(`POST ${AT}/permissions/p1`).map((answer) => answer.body);
  await show(started("t1"), asked("t1"));
  expect(await screen.findByRole("group", { name: "Claude Code asks for a permission" })).toHaveTextContent("$ rm -rf build");
  await answerable();
  for (const [keys, optionId] of [
    ["a", "once"],
    ["{Shift>}A{/Shift}", "always"],
    ["d", "no"],
  ] as const) {
    await userEvent.keyboard(keys);
    await waitFor(() => expect(answers().at(-1)).toMatchObject({ optionId }));
  }
  tell(event("t1", { type: "permissionAnswered", permissionId: "p1", answeredBy: "user", optionId: "no" }));
  await waitFor(() => expect(screen.queryByRole("group", { name: /asks for a permission/ })).toBeNull());
  expect(screen.getByText(/Reject \(by a person\)/)).toBeVisible();
});

test("what is typed into the prompt answers nothing, unless Alt is held", async () => {
  server.on(`POST ${AT}/permissions/p1`, () => ({}));
  await show(started("t1"), asked("t1"));
  await userEvent.type(field(), "add");
  await answerable();
  expect(server.of(`POST ${AT}/permissions/p1`)).toHaveLength(0);
  fireEvent.keyDown(field(), { key: "å", code: "KeyA", altKey: true });
  await waitFor(() => expect(server.of(`POST ${AT}/permissions/p1`)[0]?.body).toMatchObject({ optionId: "once" }));
});

test("a question that has just appeared takes no answer until nothing was pressed for a moment", async () => {
  server.on(`POST ${AT}/permissions/p1`, () => ({}));
  await show(started("t1"));
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "requestAnimationFrame", "cancelAnimationFrame"] });
  try {
    tell(asked("t1"));
    act(() => void vi.advanceTimersByTime(50));
    const once = screen.getByRole("button", { name: "Once" });
    for (let press = 0; press < 5; press += 1) {
      expect(once).toBeDisabled();
      fireEvent.keyDown(document.body, { key: "a", code: "KeyA" });
      fireEvent.keyDown(field(), { key: "a", code: "KeyA", altKey: true });
      act(() => void vi.advanceTimersByTime(GUARD - 100));
    }
    act(() => void vi.advanceTimersByTime(200));
    expect(once).toBeEnabled();
  } finally {
    vi.useRealTimers();
  }
  expect(server.of(`POST ${AT}/permissions/p1`)).toHaveLength(0);
  fireEvent.keyDown(document.body, { key: "a", code: "KeyA" });
  await waitFor(() => expect(server.of(`POST ${AT}/permissions/p1`)).toHaveLength(1));
});

test.each([
  ["a dialog", { role: "dialog", "aria-modal": "true" }, false],
  ["a dialog that lies over the page", { role: "dialog", "aria-modal": "true" }, true],
  ["a terminal", {}, false],
])("a key of %s answers nothing, also with Alt", async (what, attributes, elsewhere) => {
  server.on(`POST ${AT}/permissions/p1`, () => ({}));
  await show(started("t1"), asked("t1"));
  await answerable();
  const over = document.body.appendChild(document.createElement(what === "a terminal" ? "hostel-terminal" : "div"));
  for (const [name, value] of Object.entries(attributes)) over.setAttribute(name, value);
  fireEvent.keyDown(elsewhere ? document.body : over, { key: "a", code: "KeyA", altKey: true });
  if (what !== "a terminal") fireEvent.keyDown(document.body, { key: "a", code: "KeyA" });
  over.remove();
  expect(server.of(`POST ${AT}/permissions/p1`)).toHaveLength(0);
});

test.each([
  [{ command: "ls \u202e~ fr- mr\u202c" }, "$ ls U+202E~ fr- mrU+202C"],
  [{ command: `ls${" ".repeat(9000)}; rm -rf ~` }, "$ ls9000 blanks; rm -rf ~"],
  [{ command: `ls${"\n".repeat(900)}rm -rf ~` }, "$ ls900 line breaksrm -rf ~"],
  [{ command: "ls \u001b]0;; rm -rf ~\u0007" }, "$ ls U+001B]0;; rm -rf ~U+0007"],
  [{ command: "ls", dangerouslyDisableSandbox: true }, '"dangerouslyDisableSandbox": true'],
  [{ command: ["sh", "-c", "ls; rm -rf ~"] }, "$ sh -c 'ls; rm -rf ~'"],
  [{ file_path: "/a", content: "x", command: "rm -rf ~" }, '"command": "rm -rf ~"'],
  [{ file_path: "/a", content: "x\u202ey" }, "xU+202Ey"],
  [{ plan: "Do nothing", command: "rm -rf ~" }, '"command": "rm -rf ~"'],
  [JSON.parse('{"command": "ls", "__proto__": {"cwd": "/root"}}'), '"cwd": "/root"'],
  ["rm\u200b -rf", "rmU+200B -rf"],
])("a question hides nothing of %j", async (input, text) => {
  await show(started("t1"), asked("t1", input));
  const card = await screen.findByRole("group", { name: /asks for a permission/ });
  expect(card.textContent).toContain(text);
});

test("a question whose input was cut says so", async () => {
  await show(started("t1"), asked("t1", '{"command": "ls', true));
  expect(await screen.findByText(/you do not see all of what you would allow/)).toBeVisible();
});
