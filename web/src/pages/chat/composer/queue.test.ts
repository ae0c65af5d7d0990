import fc from "fast-check";
import { expect, test } from "vitest";
import type { Turn } from "../log/turn";
import { added, again, isQueue, moved, NO_QUEUE, type Queue, refused, released, removed, step } from "./queue";

const asking = (text: string) => ({ text, attachments: [], mode: null, model: null });
const texts = (queue: Queue) => queue.items.map((item) => item.text);

function turn(turnId: string, status: "completed" | "failed" | "cancelled" | null): Turn {
  const head = { turnId, seq: 1, agent: "claude", worktreeId: null, startedAt: "", text: "", attachments: [], items: [] };
  const at = "2026-01-01T00:00:00Z";
  return { ...head, ended: status && { at, status, stopReason: null, error: null, stderr: null, usage: null } };
}

test("a prompt is sent at once when nothing runs, and waits while something does", () => {
  const queue = added(NO_QUEUE, asking("one"), undefined);
  expect(step(queue, undefined)).toMatchObject({ kind: "send", prompt: { text: "one" } });
  expect(step(queue, turn("t1", null))).toEqual({ kind: "wait" });
  expect(step(queue, turn("t1", "completed"))).toMatchObject({ kind: "send" });
});

test("prompts are held after a turn that has not ended well, until somebody says to go on", () => {
  for (const status of ["failed", "cancelled"] as const) {
    const queue = added(NO_QUEUE, asking("one"), turn("t1", null));
    // It was queued while t1 ran, and a turn of somebody else came between.
    expect(step(queue, turn("t2", status))).toMatchObject({ kind: "held" });
    const goes = released(queue, turn("t2", status));
    expect(step(goes, turn("t2", status))).toMatchObject({ kind: "send" });
    expect(step(goes, turn("t3", status))).toMatchObject({ kind: "held" });
  }
});

test("what waits for a turn is held when that very turn fails", () => {
  const queue = added(NO_QUEUE, asking("one"), turn("t1", null));
  expect(step(queue, turn("t1", "failed"))).toMatchObject({ kind: "held" });
});

test("a prompt that is written after a turn has failed goes on", () => {
  const queue = added(NO_QUEUE, asking("one"), turn("t1", "failed"));
  expect(step(queue, turn("t1", "failed"))).toMatchObject({ kind: "send" });
});

test("what the server refuses is held with its reason, and is another request when it is sent again", () => {
  const queue = added(NO_QUEUE, asking("one"), undefined, "key");
  const held = refused(queue, "key", "budget", "The budget is spent.");
  expect(step(held, undefined)).toEqual({ kind: "held", why: "The budget is spent." });
  expect(released(held, undefined, "other").items[0]?.key).toBe("other");
  expect(released(queue, undefined, "other").items[0]?.key).toBe("key");
});

test("a prompt that has failed goes before all that wait", () => {
  const queue = again(added(NO_QUEUE, asking("next"), turn("t1", null)), asking("failed"), turn("t1", "failed"));
  expect(texts(queue)).toEqual(["failed", "next"]);
  expect(step(queue, turn("t1", "failed"))).toMatchObject({ kind: "send", prompt: { text: "failed" } });
});

test("moving and removing loses nothing else, and no key is there twice", () => {
  const change = fc.oneof(
    fc.record({ kind: fc.constant("add" as const), key: fc.uuid() }),
    fc.record({ kind: fc.constant("remove" as const), at: fc.nat(8) }),
    fc.record({ kind: fc.constant("move" as const), at: fc.nat(8), by: fc.integer({ min: -9, max: 9 }) }),
  );
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      let queue = NO_QUEUE;
      const known = new Set<string>();
      for (const one of changes) {
        const key = "at" in one ? (queue.items[one.at]?.key ?? "none") : one.key;
        if (one.kind === "add") {
          queue = added(queue, asking(key), undefined, key);
          known.add(key);
        } else if (one.kind === "remove") {
          queue = removed(queue, key);
          known.delete(key);
        } else queue = moved(queue, key, one.by);
        expect(queue.items.map((item) => item.key).sort()).toEqual([...known].sort());
      }
    }),
  );
});

test("what is no queue is not taken for one", () => {
  expect(isQueue(JSON.parse(JSON.stringify(added(NO_QUEUE, asking("one"), undefined))))).toBe(true);
  for (const other of [null, [], {}, { items: [{}], problem: null, past: null }, { items: "x", problem: null, past: null }]) {
    expect(isQueue(other)).toBe(false);
  }
});
