import type { Plan, Policy } from "#/api/schema";

/** What a form about a task holds: texts as typed, "" for what is left to the host. */
export interface Draft {
  prompt: string;
  agent: string;
  model: string;
  mode: string;
  /** Whether the task works in a session of its own, or in one that is there. */
  place: "own" | "session";
  sessionId: string;
  worktreeId: string;
  repoUrl: string;
  ref: string;
  /** Of one attempt. */
  minutes: number | "";
  attempts: number | "";
  permissions: Policy;
  keepSession: boolean;
}

/** What a part of the form is given: it may set what it shows, and says what is wrong with it. */
export interface PartProps {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
  wrong: (field: string) => string | null;
}

export const BLANK: Draft = {
  prompt: "",
  agent: "",
  model: "",
  mode: "",
  place: "own",
  sessionId: "",
  worktreeId: "",
  repoUrl: "",
  ref: "",
  minutes: "",
  attempts: "",
  permissions: "deny",
  keepSession: true,
};

/** The body that the API takes. What does not go with the chosen place is left out. */
export function planOf(draft: Draft): Plan {
  const own = draft.place === "own";
  return {
    prompt: draft.prompt,
    agent: given(draft.agent),
    model: given(draft.model),
    mode: given(draft.mode),
    sessionId: own ? null : given(draft.sessionId),
    worktreeId: own ? null : given(draft.worktreeId),
    repoUrl: own ? given(draft.repoUrl) : null,
    ref: own ? given(draft.ref) : null,
    timeout: draft.minutes === "" ? null : draft.minutes * 60,
    attempts: draft.attempts === "" ? null : draft.attempts,
    permissions: draft.permissions,
    keepSession: own ? draft.keepSession : true,
  };
}

/** The form of a task that is there, to be run again or changed. */
export function draftOf(plan: Plan): Draft {
  return {
    prompt: plan.prompt,
    agent: plan.agent ?? "",
    model: plan.model ?? "",
    mode: plan.mode ?? "",
    // A task tells the session in which it has worked, also when that was its own: then it had a repository, or was to go.
    place: plan.sessionId === null || plan.repoUrl !== null || !plan.keepSession ? "own" : "session",
    sessionId: plan.sessionId ?? "",
    worktreeId: plan.worktreeId ?? "",
    repoUrl: plan.repoUrl ?? "",
    ref: plan.ref ?? "",
    minutes: plan.timeout === null ? "" : plan.timeout / 60,
    attempts: plan.attempts ?? "",
    permissions: plan.permissions,
    keepSession: plan.keepSession,
  };
}

function given(text: string): string | null {
  return text.trim() || null;
}
