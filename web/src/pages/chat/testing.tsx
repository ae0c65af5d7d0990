import { act, screen, waitFor } from "@testing-library/react";
import { expect, vi } from "vitest";
import type { Scope } from "#/api/schema";
import { BASE, showInRoom, WORKSPACE } from "#/testing/page";
import { Server } from "#/testing/server";
import Chat from ".";
import { FakeSocket } from "./log/fake";
import type { Logged } from "./log/turn";

export const SESSION = "s000000000000000000000001";
export const AT = `${BASE}/sessions/${SESSION}`;
export const HEAD = { at: "2026-01-01T00:00:00Z", agent: "claude" } as const;
export const SCOPES: readonly Scope[] = [
  "sessions:read",
  "turns:read",
  "turns:write",
  "agents:read",
  "files:read",
  "files:write",
  "git:read",
];

let server: Server;
let seq = 0;
let log: readonly Logged[] = [];

/** The log is empty from here on. */
export function forget(): void {
  seq = 0;
  log = [];
}

/** Begin a test: with a server and sockets of its own, and nothing that is kept. */
export function begin(): Server {
  localStorage.clear();
  forget();
  vi.stubGlobal("WebSocket", FakeSocket);
  server = new Server()
    .on(`GET ${AT}/events`, ({ path }) => {
      const after = Number(new URL(path, location.origin).searchParams.get("after"));
      return { items: log.filter((event) => event.seq > after), last: log.at(-1)?.seq ?? 0 };
    })
    .on(`GET ${AT}/worktrees`, () => ({ items: [], nextCursor: null }))
    .on(`GET ${AT}/agents`, () => ({ items: [] }))
    .on(`GET ${BASE}/agents`, () => ({
      items: [{ agent: "claude", title: "Claude Code", installed: true, auth: "ready", reason: null, models: [] }],
    }))
    .on(`POST ${AT}/prompt`, () => ({ turnId: "next" }));
  return server;
}

/** An event with the next number. */
export function event(turnId: string, fields: DistributiveOmit<Logged, "seq" | "at" | "agent" | "turnId">): Logged {
  seq += 1;
  return { ...HEAD, seq, turnId, ...fields };
}
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

export const started = (turnId: string, text = "do it") =>
  event(turnId, { type: "turnStarted", text, worktreeId: null, attachments: [] });
export const ended = (turnId: string, status: "completed" | "failed" | "cancelled" = "completed") =>
  event(turnId, {
    ...{ type: "turnEnded", status, stopReason: null, error: status === "failed" ? "out of luck" : null, stderr: null },
    usage: { input: 1200, output: 50, cacheRead: 800, cacheWrite: 0, cost: 0.01, model: "m" },
  });
export const asked = (turnId: string, input: unknown = { command: "rm -rf build" }, truncated = false) =>
  event(turnId, {
    ...{ type: "permissionAsked", permissionId: "p1", title: "rm -rf build", kind: "execute", call: null },
    ...{ input, truncated },
    deadline: new Date(Date.now() + 60_000).toISOString(),
    options: [
      { id: "no", name: "Reject", kind: "reject_once" },
      { id: "always", name: "Always", kind: "allow_always" },
      { id: "once", name: "Once", kind: "allow_once" },
    ],
  });

/** The page, with these events in its log before it is opened. */
export async function show(...events: Logged[]) {
  FakeSocket.all = [];
  log = events;
  const page = showInRoom(server, <Chat sessionId={SESSION} />, { at: `/s/${SESSION}`, scopes: SCOPES });
  await waitFor(() => expect(FakeSocket.all.length).toBeGreaterThan(0));
  server.tell("session", { sessionId: SESSION, workspaceId: WORKSPACE, name: "work", status: "ready", errorReason: null });
  act(() => FakeSocket.last().open());
  await screen.findByRole("textbox", { name: "Prompt" });
  return page;
}

/** Events that come while the page is open. */
export function tell(...events: Logged[]): void {
  log = [...log, ...events];
  act(() => FakeSocket.last().tell(...events));
}

export const field = () => screen.getByRole("textbox", { name: "Prompt" });
export const answerable = () => waitFor(() => expect(screen.getByRole("button", { name: "Once" })).toBeEnabled());
