import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import type { BudgetView, Scope, UsageRowView } from "#/api/schema";
import { ADMIN } from "#/testing/outside";
import { BASE, ME, showInRoom } from "#/testing/page";
import { problem, Server } from "#/testing/server";
import Usage from ".";

const INSIDE: readonly Scope[] = ["usage:read", "limits:read", "workspaces:read"];
const RUNNING = {
  ...{ running: true, processes: 3, threads: 9, memory: 3 * 1024 ** 2, cpu: 1.5, partial: false, terminals: 2, turns: 1 },
  ...{ processesLimit: 4096, openFilesLimit: 1024, disk: null, diskLimit: null, diskTotal: null, diskFree: null },
};

let server: Server;
let budget: BudgetView;
let items: UsageRowView[];

beforeEach(() => {
  budget = { day: null, month: 10 };
  items = [];
  server = new Server()
    .on(`GET ${BASE}/figures`, () => RUNNING)
    .on(`GET ${BASE}/limits`, () => Response.json({ budget }, { headers: { ETag: '"1"' } }))
    .on(`GET ${BASE}/usage`, () => {
      const total = { turns: 3, input: 5000, output: 700, cacheRead: 100, cacheWrite: 0, cost: 2.5, unpriced: 1 };
      return { since: "2026-01-01", until: "2026-01-03", items, total, today: 0.5, month: 9, budget };
    });
});

function row(with_: Partial<UsageRowView>): UsageRowView {
  const tokens = { turns: 1, input: 1000, output: 200, cacheRead: 0, cacheWrite: 0, cost: 1, unpriced: 0 };
  return { day: "2026-01-01", sessionId: "s1", agent: "claude", model: "opus", ...tokens, ...with_ };
}

test("what runs now is shown with its limits", async () => {
  showInRoom(server, <Usage />, { at: "/usage", scopes: INSIDE });
  const now = within(await screen.findByRole("region", { name: "Now" }));
  expect(await now.findByText("3.0 MiB")).toBeVisible();
  expect(now.getByText("of 4096")).toBeVisible();
});

test("a room in which nothing runs says so", async () => {
  server.on(`GET ${BASE}/figures`, () => ({ ...RUNNING, running: false }));
  showInRoom(server, <Usage />, { at: "/usage", scopes: INSIDE });
  expect(await screen.findByText(/Nothing runs\./)).toBeVisible();
});

test("a budget shows how much of it is spent", async () => {
  showInRoom(server, <Usage />, { at: "/usage", scopes: INSIDE });
  expect(await screen.findByText("$9.00 spent, at most $10.00")).toBeVisible();
  expect(screen.getByText("$0.50 spent, no limit")).toBeVisible();
  expect(screen.getByRole("progressbar", { name: /This month/ })).toHaveAttribute("aria-valuenow", "90");
  expect(screen.queryByRole("button", { name: "Set the budget" })).toBeNull();
});

test("an administrator outside of the room sees what it may spend, and is told why no more", async () => {
  showInRoom(server, <Usage />, { at: "/usage", scopes: ["limits:read", "limits:write"], me: ADMIN });
  expect(await screen.findByText("at most $10.00")).toBeVisible();
  expect(screen.getByText(/known in the room alone/)).toBeVisible();
  expect(server.of(`GET ${BASE}/usage`)).toEqual([]);
  expect(server.of(`GET ${BASE}/figures`)).toEqual([]);
});

test("an administrator who has opened the room sets the budget as an administrator", async () => {
  server.on("PUT /api/workspaces/w000000000000000000000001/limits", ({ body }) => Response.json(body));
  showInRoom(server, <Usage />, { at: "/usage", scopes: INSIDE, me: ADMIN });
  await userEvent.click(await screen.findByRole("button", { name: "Set the budget" }));
  const dialog = within(await screen.findByRole("dialog"));
  await userEvent.type(dialog.getByLabelText("In a day"), "2.5");
  await userEvent.clear(dialog.getByLabelText("In a month"));
  await userEvent.click(dialog.getByRole("button", { name: "Save" }));
  expect(await screen.findByText("$0.50 spent, at most $2.50")).toBeVisible();
  const [asked] = server.of(`PUT ${BASE}/limits`);
  expect(asked?.body).toEqual({ budget: { day: 2.5, month: null } });
  expect(asked?.headers.get("If-Match")).toBe('"1"');
  expect(asked?.headers.get("Authorization")).toBeNull();
});

test("a budget that somebody else has set meanwhile is not overwritten", async () => {
  server.on(`PUT ${BASE}/limits`, () => problem(412, { code: "precondition_failed", detail: "it was changed meanwhile" }));
  showInRoom(server, <Usage />, { at: "/usage", scopes: INSIDE, me: ADMIN });
  await userEvent.click(await screen.findByRole("button", { name: "Set the budget" }));
  const dialog = within(await screen.findByRole("dialog"));
  await userEvent.click(dialog.getByRole("button", { name: "Save" }));
  expect(await dialog.findByRole("alert")).toHaveTextContent("It was changed meanwhile.");
});

test("use is added up by day, agent, model or session, and what has no price is not free", async () => {
  items = [row({}), row({ day: "2026-01-03", agent: "codex", model: null, cost: 0, unpriced: 1 }), row({ cost: 1.5 })];
  showInRoom(server, <Usage />, { at: "/usage", scopes: INSIDE, me: ME });
  expect(await screen.findByRole("row", { name: /2026-01-01 2 2K 0 400 \$2\.50/ })).toBeVisible();
  expect(screen.getByRole("row", { name: /2026-01-03 1 1K 0 200 not known/ })).toBeVisible();
  expect(screen.getByRole("row", { name: /All 3 5K 100 700 ≥ \$2\.50/ })).toBeVisible();
  expect(screen.getByText(/The cost of 1 turn is not known/)).toBeVisible();
  await userEvent.click(screen.getByRole("radio", { name: "Agent" }));
  await waitFor(() => expect(screen.getByRole("row", { name: /codex 1 1K 0 200 not known/ })).toBeVisible());
});
