import { newKey } from "#/api/client";
import type { Turn } from "../log/turn";

/** A file that was uploaded for a prompt. */
export interface Attached {
  attachmentId: string;
  name: string;
}

/** What is asked of an agent. */
export interface Asking {
  text: string;
  attachments: readonly Attached[];
  /** To be chosen with it; null leaves what is chosen. */
  mode: string | null;
  model: string | null;
}

/** A prompt that waits for its turn. Its key makes that it begins one turn, however often it is sent. */
export interface Prompt extends Asking {
  key: string;
}

/** Prompts of one conversation that were not taken yet. */
export interface Queue {
  items: readonly Prompt[];
  /** Why the server did not take the first; null when it was not asked, or somebody said to try again. */
  problem: { code: string; message: string } | null;
  /** The turn that did not end well, and after which somebody said to go on. */
  past: string | null;
}

export const NO_QUEUE: Queue = { items: [], problem: null, past: null };

/** What happens next. */
export type Step = { kind: "none" } | { kind: "wait" } | { kind: "held"; why: string } | { kind: "send"; prompt: Prompt };

/** What is to be done after the turn `last`, which began last in the conversation. */
export function step(queue: Queue, last: Turn | undefined): Step {
  const [prompt] = queue.items;
  if (prompt === undefined) return { kind: "none" };
  if (last !== undefined && last.ended === null) return { kind: "wait" };
  if (queue.problem !== null) return { kind: "held", why: queue.problem.message };
  if (last?.ended && last.ended.status !== "completed" && queue.past !== last.turnId) {
    return {
      kind: "held",
      why: last.ended.status === "failed" ? "The turn before has failed." : "The turn before was cancelled.",
    };
  }
  return { kind: "send", prompt };
}

/** With one more. To prompt when nothing waits is to say that the conversation goes on. */
export function added(queue: Queue, asking: Asking, last: Turn | undefined, key = newKey()): Queue {
  const first = queue.items.length === 0;
  return {
    items: [...queue.items, { ...asking, key }],
    problem: first ? null : queue.problem,
    past: first ? ended(last) : queue.past,
  };
}

function ended(last: Turn | undefined): string | null {
  return last?.ended ? last.turnId : null;
}

/** Without that one. What was wrong with the first goes with it. */
export function removed(queue: Queue, key: string): Queue {
  if (queue.items.every((item) => item.key !== key)) return queue;
  const items = queue.items.filter((item) => item.key !== key);
  if (items.length === 0) return NO_QUEUE;
  return { ...queue, items, problem: queue.items[0]?.key === key ? null : queue.problem };
}

/** With that one `by` places further behind. */
export function moved(queue: Queue, key: string, by: number): Queue {
  const from = queue.items.findIndex((item) => item.key === key);
  const item = queue.items[from];
  const to = from + by;
  if (item === undefined || to < 0 || to >= queue.items.length) return queue;
  return { ...queue, items: queue.items.toSpliced(from, 1).toSpliced(to, 0, item), problem: null };
}

/** Go on, whatever has happened. What was refused is another request from now on: refusals are remembered with their key. */
export function released(queue: Queue, last: Turn | undefined, key = newKey()): Queue {
  const [first, ...others] = queue.items;
  if (first === undefined) return queue;
  return { items: [queue.problem === null ? first : { ...first, key }, ...others], problem: null, past: ended(last) };
}

/** With a prompt again that has failed, before all others. */
export function again(queue: Queue, asking: Asking, last: Turn | undefined, key = newKey()): Queue {
  return { items: [{ ...asking, key }, ...queue.items], problem: null, past: ended(last) };
}

/** The server does not take that one. */
export function refused(queue: Queue, key: string, code: string, message: string): Queue {
  return queue.items[0]?.key === key ? { ...queue, problem: { code, message } } : queue;
}

/** Whether it is a queue, as this page keeps it. */
export function isQueue(value: unknown): value is Queue {
  if (typeof value !== "object" || value === null) return false;
  if (!("items" in value && "problem" in value && "past" in value)) return false;
  return Array.isArray(value.items) && value.items.every(isPrompt);
}

function isPrompt(value: unknown): value is Prompt {
  return isAsking(value) && "key" in value && typeof value.key === "string";
}

/** Whether it is something to ask, as this page keeps it. */
export function isAsking(value: unknown): value is Asking {
  if (typeof value !== "object" || value === null) return false;
  if (!("text" in value && "attachments" in value && "mode" in value && "model" in value)) return false;
  return typeof value.text === "string" && Array.isArray(value.attachments) && value.attachments.every(isAttached);
}

function isAttached(value: unknown): value is Attached {
  if (typeof value !== "object" || value === null || !("attachmentId" in value && "name" in value)) return false;
  return typeof value.attachmentId === "string" && typeof value.name === "string";
}
