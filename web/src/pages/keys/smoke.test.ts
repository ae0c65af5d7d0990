import { beforeEach, expect, test, vi } from "vitest";
import { problem, Server } from "#/testing/server";
import { smoke, type Trial } from "./smoke";

let server: Server;

beforeEach(() => {
  server = new Server().on("GET /api/auth/me", () => ({
    role: "workspace",
    workspaceId: "w1",
    scopes: ["self", "files:read", "git:read"],
  }));
});

async function tried(): Promise<Trial[]> {
  const trials: Trial[] = [];
  for await (const trial of smoke("hst_key")) trials.push(trial);
  return trials;
}

function speak(results: Readonly<Record<string, object>>): void {
  server.on("POST /api/mcp", ({ body }) => {
    const method = typeof body === "object" && body !== null && "method" in body ? String(body.method) : "";
    return { jsonrpc: "2.0", id: 1, ...results[method] };
  });
}

test("a good key is known, and the MCP server offers it tools", async () => {
  speak({
    initialize: { result: { protocolVersion: "2025-06-18", serverInfo: { name: "hostel", version: "0.1.0" } } },
    "tools/list": { result: { tools: [{ name: "list_sessions" }, { name: "prompt" }] } },
  });
  expect((await tried()).map(({ ok, said }) => [ok, said])).toEqual([
    [true, "workspace w1, 2 rights"],
    [true, "hostel 0.1.0, protocol 2025-06-18"],
    [true, "2: list_sessions, prompt"],
  ]);
});

test("the key is sent alone, without the browser's own sign-in", async () => {
  const sent: RequestInit[] = [];
  vi.stubGlobal("fetch", (_path: string, init: RequestInit) => {
    sent.push(init);
    return Promise.reject(new TypeError("failed"));
  });
  await tried();
  expect(sent.map(({ credentials, headers }) => [credentials, new Headers(headers).get("Authorization")])).toEqual([
    ["omit", "Bearer hst_key"],
  ]);
});

test("the first failure ends the trial, in the server's words", async () => {
  server.on("GET /api/auth/me", () => problem(401, { code: "unauthorized", detail: "the key was revoked" }));
  expect((await tried()).map(({ ok, said }) => [ok, said])).toEqual([[false, "The key was revoked."]]);
});

test("an error of the MCP server is one, though its status is 200", async () => {
  speak({ initialize: { error: { code: -32600, message: "no such revision" } } });
  const trials = await tried();
  expect(trials.map(({ ok }) => ok)).toEqual([true, false]);
  expect(trials[1]?.said).toBe("No such revision.");
});

test("an answer that is no list of tools is a failure", async () => {
  speak({ initialize: { result: {} }, "tools/list": { result: {} } });
  expect((await tried()).map(({ ok }) => ok)).toEqual([true, true, false]);
});
