import { act, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { settle, useExpired } from "#/api/identity";
import { forgetRooms, keepRoom } from "#/api/rooms";
import { BASE, showInRoom, WORKSPACE } from "#/testing/page";
import { problem, Server } from "#/testing/server";
import { workspace } from "#/testing/workspaces";
import { useRoom } from "./room";
import { Unlock } from "./unlock";

let server: Server;

beforeEach(() => {
  server = new Server().on(`GET ${BASE}`, () => workspace());
});

afterEach(() => {
  vi.useRealTimers();
  forgetRooms();
  settle();
});

/** As the server sees it: with its token the room is open, and without it is somebody's who may not enter. */
function show() {
  const shown = showInRoom(
    server,
    <Unlock>
      <Inside />
    </Unlock>,
  );
  server.on(`GET ${BASE}/access`, ({ headers }) => ({
    scopes: headers.get("Authorization") === "Bearer token" ? ["sessions:read"] : ["workspaces:read"],
  }));
  return shown;
}

function Inside() {
  const { api } = useRoom();
  const ask = () =>
    void api.GET("/api/workspaces/{workspaceId}/agents", { params: { path: { workspaceId: WORKSPACE } } }).catch(() => {});
  return (
    <button type="button" onClick={ask}>
      {useExpired() ? "Signed out" : "Inside"}
    </button>
  );
}

test("a room's token that the server refuses leads back to the question for its secret", async () => {
  server.on(`GET ${BASE}/agents`, () => problem(401, { code: "unauthorized", detail: "the token has expired" }));
  show();
  (await screen.findByRole("button", { name: "Inside" })).click();
  expect(await screen.findByRole("heading", { name: "This room is closed to you" })).toBeVisible();
  expect(screen.getByLabelText(/Workspace secret/)).toBeVisible();
});

test("so does a token whose time is over", async () => {
  show();
  await screen.findByRole("button", { name: "Inside" });
  act(() => keepRoom(WORKSPACE, "token", 0.05));
  expect(await screen.findByRole("heading", { name: "This room is closed to you" })).toBeVisible();
});

test("a page stays open when it cannot be asked again what may be done there", async () => {
  const { queries } = show();
  await screen.findByRole("button", { name: "Inside" });
  server.on(`GET ${BASE}/access`, () => problem(503, { code: "unavailable", detail: "not now" }));
  await act(() => queries.invalidateQueries());
  expect(screen.getByRole("button", { name: "Inside" })).toBeVisible();
});

test("whose membership was ended is told so, and what the page holds stays", async () => {
  const { queries } = show();
  await screen.findByRole("button", { name: "Inside" });
  expect(screen.queryByRole("alert")).toBeNull();
  server.on(`GET ${BASE}/access`, () => problem(404, { code: "not_found", detail: "there is no such workspace" }));
  await act(() => queries.invalidateQueries());
  expect(await screen.findByRole("alert")).toHaveTextContent("This workspace is not open to you any more");
  expect(screen.getByRole("button", { name: "Inside" })).toBeVisible();
});

test("a deleted workspace says that it is, and asks for no secret", async () => {
  server.on(`GET ${BASE}`, () => workspace({ status: "deleted", purgesAt: "2030-01-01T00:00:00Z" }));
  forgetRooms();
  showInRoom(server, <Unlock>inside</Unlock>, { scopes: ["workspaces:read", "workspaces:delete"] });
  expect(await screen.findByText("Payments was deleted")).toBeVisible();
  expect(screen.queryByLabelText(/Workspace secret/)).toBeNull();
});

test("a stream that is refused because the sign-in has ended says so to the page", async () => {
  const answers = globalThis.fetch;
  vi.stubGlobal("fetch", async (input: RequestInfo | URL, init?: RequestInit) =>
    String(input).startsWith("/api/events")
      ? problem(401, { code: "unauthorized", detail: "the session has ended" })
      : answers(input, init),
  );
  show();
  server.on(`GET ${BASE}/access`, () => ({ scopes: ["sessions:read"] }));
  act(() => forgetRooms());
  expect(await screen.findByRole("button", { name: "Signed out" })).toBeVisible();
});
