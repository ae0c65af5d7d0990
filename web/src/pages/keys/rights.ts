import type { KeyKind, Rank, Scope } from "#/api/schema";

/** A scope that a key can have. The others are nobody's to give. */
export type Right = Exclude<Scope, "public" | "self">;

interface Explained {
  /** What it lets somebody do, without its subject. */
  text: string;
  group: (typeof GROUPS)[number];
  /** The kinds of key that can have it. */
  kinds: readonly KeyKind[];
  /** Whether a key that is bound to some workspaces can have it: else it would reach beyond them, or outlive its bounds. */
  bound?: false;
}

export const GROUPS = ["Work in sessions", "Content", "Automation", "Management", "Organisations", "Host"] as const;

const ROOM: readonly KeyKind[] = ["workspace", "organisation"];
const ALL: readonly KeyKind[] = ["workspace", "organisation", "admin"];
const ABOVE: readonly KeyKind[] = ["organisation", "admin"];
const HOST: readonly KeyKind[] = ["admin"];

/** What each scope lets a key do. A scope that the API gets and that is missing here does not compile. */
export const RIGHTS: Readonly<Record<Right, Explained>> = {
  "sessions:read": { text: "See sessions and their worktrees", group: "Work in sessions", kinds: ROOM },
  "sessions:write": { text: "Create, rename and delete sessions", group: "Work in sessions", kinds: ROOM },
  "terminals:read": { text: "Watch terminals", group: "Work in sessions", kinds: ROOM },
  "terminals:write": { text: "Open terminals and type into them", group: "Work in sessions", kinds: ROOM },
  "agents:read": { text: "See which agents there are", group: "Work in sessions", kinds: ROOM },
  "turns:read": { text: "Follow agents and read their logs", group: "Work in sessions", kinds: ROOM },
  "turns:write": { text: "Prompt agents and answer what they ask", group: "Work in sessions", kinds: ROOM },
  "usage:read": { text: "See tokens and costs", group: "Work in sessions", kinds: ROOM },
  "files:read": { text: "Read files", group: "Content", kinds: ROOM },
  "files:write": { text: "Write and delete files", group: "Content", kinds: ROOM },
  "git:read": { text: "See status, history and diffs", group: "Content", kinds: ROOM },
  "git:write": { text: "Commit, push and switch branches", group: "Content", kinds: ROOM },
  "transcripts:read": { text: "Read transcripts of agents", group: "Content", kinds: ROOM },
  export: { text: "Download all files of the workspace at once", group: "Content", kinds: ROOM },
  "tasks:read": { text: "See tasks and schedules", group: "Automation", kinds: ROOM },
  "tasks:write": { text: "Run tasks and change schedules", group: "Automation", kinds: ROOM },
  "channels:read": { text: "Read channels", group: "Automation", kinds: ROOM },
  "channels:write": { text: "Write to channels and change them", group: "Automation", kinds: ROOM },
  "secrets:read": { text: "See the names of secrets, never their values", group: "Automation", kinds: ROOM },
  "secrets:write": { text: "Set and delete secrets", group: "Automation", kinds: ROOM },
  "events:read": { text: "Follow the live events that its other rights let it see", group: "Automation", kinds: ALL },
  "workspaces:read": { text: "See the workspace and its state", group: "Management", kinds: ALL },
  "workspaces:create": { text: "Create workspaces", group: "Management", kinds: ABOVE, bound: false },
  "workspaces:write": { text: "Change the workspace and its providers", group: "Management", kinds: ALL },
  "workspaces:delete": { text: "Delete and restore the workspace", group: "Management", kinds: ALL },
  "workspaces:transfer": { text: "Give workspaces to another organisation", group: "Management", kinds: HOST },
  "secret:rotate": { text: "Replace the workspace's secret", group: "Management", kinds: ROOM, bound: false },
  handover: { text: "Hand sign-ins and keys of the workspace over", group: "Management", kinds: ALL, bound: false },
  "limits:read": { text: "See limits and budgets", group: "Management", kinds: ALL },
  "limits:write": { text: "Change limits and budgets", group: "Management", kinds: HOST },
  "keys:read": { text: "See keys", group: "Management", kinds: ALL },
  "keys:write": { text: "Make, change and revoke keys", group: "Management", kinds: ALL, bound: false },
  "webhooks:read": { text: "See webhooks and their deliveries", group: "Management", kinds: ALL },
  "webhooks:write": { text: "Make, change and delete webhooks", group: "Management", kinds: ALL },
  "audit:read": { text: "Read the audit log", group: "Management", kinds: ALL },
  "organisations:create": { text: "Create organisations", group: "Organisations", kinds: HOST },
  "organisations:read": { text: "See organisations", group: "Organisations", kinds: ABOVE },
  "organisations:write": { text: "Rename organisations", group: "Organisations", kinds: ABOVE, bound: false },
  "organisations:delete": { text: "Delete organisations", group: "Organisations", kinds: HOST },
  "members:read": { text: "See members", group: "Organisations", kinds: ABOVE },
  "members:write": { text: "Invite and remove members", group: "Organisations", kinds: ABOVE, bound: false },
  "server:read": { text: "See the host's state and its whole audit log", group: "Host", kinds: HOST },
  "server:write": { text: "Change the keys that the server signs with", group: "Host", kinds: HOST },
};

/** The ranks that a key can have, the smallest first. */
export const RANKS: readonly { rank: Exclude<Rank, "owner">; text: Readonly<Record<KeyKind, string>> }[] = [
  {
    rank: "viewer",
    text: {
      workspace: "Reads all that is in the workspace, and changes nothing.",
      organisation: "Reads all that is in its workspaces, and changes nothing.",
      admin: "Reads what an administrator sees, and changes nothing.",
    },
  },
  {
    rank: "member",
    text: {
      workspace: "Also works: sessions, agents, terminals, files, tasks.",
      organisation: "Also works in its workspaces: sessions, agents, terminals, files, tasks.",
      admin: "The same: administrators do not work in workspaces.",
    },
  },
  {
    rank: "admin",
    text: {
      workspace: "Also manages the workspace, its keys and webhooks.",
      organisation: "Also manages the organisation's workspaces, members, keys and webhooks.",
      admin: "Also manages workspaces, organisations, keys and webhooks.",
    },
  },
];

/** The rights that a key of that kind can have, in the order in which they are shown. */
export function rightsOf(kind: KeyKind, bound = false): Right[] {
  return rights().filter((right) => RIGHTS[right].kinds.includes(kind) && !(bound && RIGHTS[right].bound === false));
}

function rights(): Right[] {
  return Object.keys(RIGHTS).filter(isRight);
}

/** Whether a scope is one that keys can have. */
export function isRight(scope: string): scope is Right {
  return Object.hasOwn(RIGHTS, scope);
}
