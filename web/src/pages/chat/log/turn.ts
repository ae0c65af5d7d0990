import type { AnsweredBy, LogPage, OptionView, PlanEntryView, ToolKind, ToolStatus, TurnEndedView } from "#/api/schema";

/** An event of a session's log. */
export type Logged = LogPage["items"][number];

/** A piece of what the agent says or thinks, as long as it goes on. */
export interface Said {
  kind: "message" | "thought";
  /** The number of its first event. */
  seq: number;
  text: string;
}

/** One use of a tool, with all that was told of it so far. */
export interface ToolUse {
  kind: "tool";
  seq: number;
  call: string;
  title: string;
  does: ToolKind;
  status: ToolStatus;
  /** JSON, or text that is none; null until it is told. */
  input: unknown;
  output: string | null;
  /** Whether `input` or `output` was cut. */
  truncated: boolean;
}

/** A question to the user, and its answer once there is one. */
export interface Asked {
  kind: "permission";
  seq: number;
  permissionId: string;
  turnId: string;
  title: string;
  does: ToolKind;
  input: unknown;
  /** Whether `input` was cut. */
  truncated: boolean;
  options: readonly OptionView[];
  deadline: string;
  answer: { by: AnsweredBy; optionId: string | null } | null;
}

/** The agent's plan, as it is now; it stands where the agent first told it. */
export interface Planned {
  kind: "plan";
  seq: number;
  entries: readonly PlanEntryView[];
}

/** What hostel has to say. */
export interface Noticed {
  kind: "notice";
  seq: number;
  text: string;
}

export type Item = Said | ToolUse | Asked | Planned | Noticed;

/** How a turn ended. */
export type Ended = Pick<TurnEndedView, "at" | "status" | "stopReason" | "error" | "stderr" | "usage">;

/** A prompt, and what an agent has made of it. */
export interface Turn {
  turnId: string;
  seq: number;
  agent: string;
  /** Null: the session's clone. */
  worktreeId: string | null;
  startedAt: string;
  text: string;
  attachments: readonly string[];
  items: readonly Item[];
  /** Null while it runs. */
  ended: Ended | null;
}

/** Which conversation of a session: an agent has one in the clone and in each worktree. */
export interface Place {
  agent: string;
  worktreeId: string | null;
}

/** Whether both are of the same conversation. */
export function isAt(turn: Place, place: Place): boolean {
  return turn.agent === place.agent && turn.worktreeId === place.worktreeId;
}

/** A name for a conversation that is the same after a reload. */
export function placeKey({ agent, worktreeId }: Place): string {
  return `${agent}@${worktreeId ?? ""}`;
}
