import type { Connection, ItemView } from "#/api/schema";

/** A tool that can be connected, and the names of the files that the API has for it. */
interface Client {
  id: string;
  title: string;
  configuration: string;
  /** How it gets the rules and the key, where that differs from tool to tool. */
  rules: string;
  key: string;
}

/** The tools that a workspace can be connected to. */
export const CLIENTS: readonly Client[] = [
  {
    id: "claude",
    title: "Claude Code",
    configuration: "claude-mcp.json",
    rules: "Claude Code reads CLAUDE.md: write the line “@AGENTS.md” into it, or save the rules under that name.",
    key: "Claude Code takes HOSTEL_KEY from the shell that starts it: set -a; . ./.env.local; set +a",
  },
  {
    id: "codex",
    title: "Codex",
    configuration: "codex-config.toml",
    rules: "Codex reads AGENTS.md by itself.",
    key: "Codex takes HOSTEL_KEY from the shell that starts it: set -a; . ./.env.local; set +a",
  },
  {
    id: "cursor",
    title: "Cursor",
    configuration: "cursor-mcp.json",
    rules: "Cursor reads AGENTS.md by itself.",
    key: "Cursor takes HOSTEL_KEY from the environment that it was started in: set -a; . ./.env.local; set +a; cursor .",
  },
];

const ENVIRONMENT = "env.local";
const KEY_LINE = /^HOSTEL_KEY=.*$/m;

/** A step of connecting a tool: a file, why it is there, and whether it holds a key. */
export interface Step {
  title: string;
  hint: string;
  item: ItemView;
  secret: boolean;
}

/** What is to be done for a tool, in order. `key` is written into the environment when there is one to show. */
export function stepsOf(client: Client, { items }: Connection, key: string | null): Step[] {
  const found = new Map(items.map((item) => [item.name, item]));
  const step = (name: string, title: string, hint: string): Step[] => {
    const item = found.get(name);
    if (item === undefined) return [];
    const secret = name === ENVIRONMENT && key !== null;
    // A function, for a text would have its dollar signs read as references.
    return [
      {
        title,
        hint,
        secret,
        item: secret ? { ...item, content: item.content.replace(KEY_LINE, () => `HOSTEL_KEY=${key}`) } : item,
      },
    ];
  };
  return [
    ...step(ENVIRONMENT, "Environment", client.key),
    ...step(client.configuration, "MCP server", "It names the variable, and holds no key: it can be committed."),
    ...step("AGENTS.md", "Rules for the agent", client.rules),
    ...step("smoke-test.sh", "Smoke test", "Run it beside .env.local: sh smoke-test.sh"),
  ];
}
