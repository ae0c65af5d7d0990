import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import fc from "fast-check";
import { beforeEach, expect, test } from "vitest";
import type { WorkspaceView } from "#/api/schema";
import { ADMIN, showOutside, sized } from "#/testing/outside";
import { ME } from "#/testing/page";
import { problem, Server } from "#/testing/server";
import { numbered, workspace } from "#/testing/workspaces";
import Workspaces from ".";
import { matching } from "./list";

let server: Server;
let items: WorkspaceView[];

beforeEach(() => {
  sized();
  items = [];
  server = new Server()
    .on("GET /api/workspaces", () => ({ items, nextCursor: null }))
    .on("GET /api/orgs", () => ({
      items: [{ organisationId: "o1", slug: "acme", name: "Acme", rank: null }],
      nextCursor: null,
    }));
});

/** The page, in what scrolls. */
function show(me = ADMIN) {
  return showOutside(
    <main id="main">
      <Workspaces me={me} />
    </main>,
    { me },
  );
}

test("where there is none an administrator is shown how to make one, and others whom to ask", async () => {
  const { unmount } = show();
  expect(await screen.findByRole("heading", { name: "No workspace yet" })).toBeVisible();
  expect(screen.getAllByRole("link", { name: "New workspace" })).not.toHaveLength(0);
  unmount();
  show(ME);
  expect(await screen.findByText(/Ask an administrator/)).toBeVisible();
  expect(screen.queryByRole("link", { name: "New workspace" })).toBeNull();
});

test("who may make organisations is led there, for a workspace of theirs needs one", async () => {
  show({ ...ME, scopes: ["organisations:create"] });
  expect(await screen.findByRole("link", { name: "Make an organisation" })).toHaveAttribute("href", "/orgs");
  expect(screen.queryByText(/Ask an administrator/)).toBeNull();
});

test("a workspace is shown with its state, its owner and why it was not made, and is tried again", async () => {
  items = [workspace({ status: "error", errorReason: "useradd: no space left", organisationId: "o1" })];
  server.on("POST /api/workspaces/w000000000000000000000001/provision", () => workspace({ organisationId: "o1" }));
  show();
  const row = await screen.findByRole("listitem");
  expect(await within(row).findByText("Acme")).toBeVisible();
  expect(within(row).getByText("useradd: no space left")).toBeVisible();
  expect(within(row).getByRole("link")).toHaveAttribute("href", "/w/w000000000000000000000001/settings");
  await userEvent.click(within(row).getByRole("button", { name: "Retry Payments" }));
  expect(await within(row).findByText("Ready")).toBeVisible();
});

test("a deleted workspace says how long it is kept, and is restored", async () => {
  const soon = new Date(Date.now() + 3 * 86_400_000 + 60_000).toISOString();
  items = [workspace({ status: "deleted", deletedAt: "2026-01-01T00:00:00Z", purgesAt: soon })];
  server.on("POST /api/workspaces/w000000000000000000000001/restore", () => workspace());
  show();
  const row = await screen.findByRole("listitem");
  expect(row).toHaveTextContent("Removed in 3 d 0 h");
  await userEvent.click(within(row).getByRole("button", { name: "Restore Payments" }));
  expect(await within(row).findByText("Ready")).toBeVisible();
});

test("of a long list only what is seen is in the page, and it is filtered by words", async () => {
  items = Array.from({ length: 1000 }, (_, number) => numbered(number));
  const { history } = show();
  const list = await screen.findByRole("list", { name: "Workspaces" });
  expect(within(list).getAllByRole("listitem").length).toBeLessThan(60);
  expect(within(list).getAllByRole("listitem")[0]).toHaveAttribute("aria-setsize", "1000");
  const filter = screen.getByLabelText("Filter workspaces");
  await userEvent.type(filter, "workspace 777");
  await waitFor(() => expect(within(list).getAllByRole("listitem")).toHaveLength(1));
  await userEvent.type(filter, "{Enter}");
  expect(history.at(-1)).toBe("/w/w000000000000000000000777");
});

test("the arrow keys go from row to row", async () => {
  items = [numbered(1), numbered(2), numbered(3)];
  show();
  const first = await screen.findByRole("link", { name: "Workspace 1" });
  first.focus();
  await userEvent.keyboard("{ArrowDown}");
  await waitFor(() => expect(screen.getByRole("link", { name: "Workspace 2" })).toHaveFocus());
  await userEvent.keyboard("{End}");
  await waitFor(() => expect(screen.getByRole("link", { name: "Workspace 3" })).toHaveFocus());
  await userEvent.keyboard("{ArrowUp}");
  await waitFor(() => expect(screen.getByRole("link", { name: "Workspace 2" })).toHaveFocus());
});

test("what cannot be listed is said, and asked for again", async () => {
  server.on("GET /api/workspaces", () => problem(403, { code: "forbidden", detail: "not for you" }));
  show();
  expect(await screen.findByRole("alert")).toHaveTextContent("Not for you.");
  server.on("GET /api/workspaces", () => ({ items: [workspace()], nextCursor: null }));
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByRole("link", { name: "Payments" })).toBeVisible();
});

test("a filter only takes away, and finds each workspace by its own id", () => {
  const rows = fc.array(fc.record({ number: fc.nat(500), name: fc.string() }), { maxLength: 20 });
  fc.assert(
    fc.property(rows, fc.string(), (found, text) => {
      const all = found.map(({ number, name }) => numbered(number, { name }));
      for (const row of matching(all, new Map(), text)) expect(all).toContain(row);
      for (const row of all) expect(matching(all, new Map(), ` ${row.workspaceId.toUpperCase()} `)).toContain(row);
    }),
  );
});
