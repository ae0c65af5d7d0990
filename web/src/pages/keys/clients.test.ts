import fc from "fast-check";
import { expect, test } from "vitest";
import type { Connection } from "#/api/schema";
import { CLIENTS, stepsOf } from "./clients";

const CONNECTION: Connection = {
  url: "https://hostel.example/api/mcp",
  items: ["AGENTS.md", "claude-mcp.json", "cursor-mcp.json", "codex-config.toml", "smoke-test.sh", "env.local"].map((name) => ({
    name,
    title: name,
    path: name,
    mediaType: "text/plain",
    content:
      name === "env.local" ? "HOSTEL_URL=https://hostel.example\nHOSTEL_KEY=paste-a-key-here\n" : `of ${name}, $HOSTEL_KEY`,
  })),
};

test("each tool gets the environment, its own configuration, the rules and the smoke test", () => {
  expect(CLIENTS.map((client) => stepsOf(client, CONNECTION, null).map(({ item }) => item.name))).toEqual([
    ["env.local", "claude-mcp.json", "AGENTS.md", "smoke-test.sh"],
    ["env.local", "codex-config.toml", "AGENTS.md", "smoke-test.sh"],
    ["env.local", "cursor-mcp.json", "AGENTS.md", "smoke-test.sh"],
  ]);
});

test("a key is written into the environment alone, as it is", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^hst_[A-Za-z0-9$&_-]{1,60}$/), (key) => {
      for (const client of CLIENTS) {
        const holding = stepsOf(client, CONNECTION, key).filter(({ item }) => item.content.includes(key));
        expect(holding.map(({ item, secret }) => [item.name, secret])).toEqual([["env.local", true]]);
        expect(holding[0]?.item.content).toBe(`HOSTEL_URL=https://hostel.example\nHOSTEL_KEY=${key}\n`);
      }
    }),
  );
});

test("without a key nothing is marked as secret", () => {
  for (const client of CLIENTS) expect(stepsOf(client, CONNECTION, null).some(({ secret }) => secret)).toBe(false);
});

test("a file that the server does not have is no step", () => {
  const [client] = CLIENTS;
  expect(client && stepsOf(client, { ...CONNECTION, items: [] }, "hst_x")).toEqual([]);
});
