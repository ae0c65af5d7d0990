import { messageOf, problemOf, unreachable } from "#/api/problem";

/** One thing that was tried with a key. */
export interface Trial {
  name: string;
  ok: boolean;
  /** What came back, in a line. */
  said: string;
  /** How long it took, in milliseconds. */
  took: number;
}

const NAMED = 6;

/**
 * Tries a key as a program elsewhere would: who am I, then the MCP server's beginning and its tools. Tells each trial when it
 * has ended, and stops at the first that fails.
 */
export async function* smoke(key: string): AsyncGenerator<Trial> {
  const trials: readonly [string, () => Promise<string>][] = [
    ["The key is known", async () => whoIs(await ask(key, "/api/auth/me"))],
    ["The MCP server answers", async () => serverOf(await call(key, "initialize", INITIALIZE))],
    ["It offers tools", async () => toolsOf(await call(key, "tools/list", {}))],
  ];
  for (const [name, attempt] of trials) {
    const trial = await timed(name, attempt);
    yield trial;
    if (!trial.ok) return;
  }
}

const INITIALIZE = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "hostel-web", version: "1" } };

async function timed(name: string, attempt: () => Promise<string>): Promise<Trial> {
  const begun = performance.now();
  try {
    const said = await attempt();
    return { name, ok: true, said, took: performance.now() - begun };
  } catch (error) {
    return { name, ok: false, said: messageOf(error), took: performance.now() - begun };
  }
}

/** A request with the key alone: without the browser's cookie, and without its cache. */
async function ask(key: string, path: string, body?: object): Promise<unknown> {
  const headers = {
    Authorization: `Bearer ${key}`,
    Accept: "application/json, text/event-stream",
    ...(body && { "Content-Type": "application/json" }),
  };
  const init: RequestInit = { headers, credentials: "omit", cache: "no-store" };
  const reply = await fetch(path, body ? { ...init, method: "POST", body: JSON.stringify(body) } : init).catch(() => {
    throw unreachable();
  });
  if (!reply.ok) throw await problemOf(reply);
  return reply.json();
}

/** The result of a call of the MCP server (JSON-RPC 2.0). */
async function call(key: string, method: string, params: object): Promise<unknown> {
  const reply = await ask(key, "/api/mcp", { jsonrpc: "2.0", id: 1, method, params });
  const failure = field(reply, "error");
  if (failure !== undefined) throw new Error(text(failure, "message"));
  return field(reply, "result");
}

function whoIs(me: unknown): string {
  const scopes = field(me, "scopes");
  const rights = Array.isArray(scopes) ? scopes.filter((scope) => scope !== "self").length : 0;
  const where = text(me, "workspaceId") || text(me, "organisationId");
  return `${text(me, "role")} ${where}`.trim().concat(`, ${rights} rights`);
}

function serverOf(result: unknown): string {
  const info = field(result, "serverInfo");
  return `${text(info, "name")} ${text(info, "version")}, protocol ${text(result, "protocolVersion")}`;
}

function toolsOf(result: unknown): string {
  const tools = field(result, "tools");
  if (!Array.isArray(tools)) throw new Error("The MCP server answered without a list of tools.");
  const names = tools.map((tool) => text(tool, "name"));
  return `${names.length}: ${names.slice(0, NAMED).join(", ")}${names.length > NAMED ? "…" : ""}`;
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function text(value: unknown, name: string): string {
  const found = field(value, name);
  return typeof found === "string" ? found : "";
}
