import fc from "fast-check";
import { expect, test } from "vitest";
import { EMPTY, fold, type LogState } from "./fold";
import type { Logged, Turn } from "./turn";

const AT = "2026-01-01T00:00:00Z";

/** A log of events that happen to anybody, numbered as the server does. */
const log = fc
  .array(fc.record({ turn: fc.nat(3), what: fc.nat(9), text: fc.string({ maxLength: 3 }), which: fc.nat(2) }), {
    maxLength: 60,
  })
  .map((steps) => steps.map(({ turn, what, text, which }, at) => eventOf(at + 1, `t${turn}`, what, text, which)));

function eventOf(seq: number, turnId: string, what: number, text: string, which: number): Logged {
  const head = { seq, at: AT, agent: "claude", turnId };
  const kinds: Logged[] = [
    { ...head, type: "turnStarted", text, worktreeId: null, attachments: [] },
    { ...head, type: "message", text },
    { ...head, type: "thought", text },
    {
      ...head,
      type: "toolCall",
      call: `c${which}`,
      title: text,
      kind: "edit",
      status: null,
      input: null,
      output: null,
      truncated: false,
    },
    {
      ...head,
      type: "toolCall",
      call: `c${which}`,
      title: null,
      kind: null,
      status: "completed",
      input: { a: 1 },
      output: text,
      truncated: true,
    },
    { ...head, type: "plan", entries: [{ content: text, status: "pending" }] },
    {
      ...head,
      type: "permissionAsked",
      permissionId: `p${which}`,
      title: text,
      kind: "execute",
      call: null,
      input: text,
      options: [],
      truncated: false,
      deadline: AT,
    },
    { ...head, type: "permissionAnswered", permissionId: `p${which}`, answeredBy: "user", optionId: null },
    { ...head, turnId: null, type: "notice", text },
    { ...head, type: "turnEnded", status: "completed", stopReason: "end_turn", error: null, stderr: null, usage: null },
  ];
  return kinds[what] ?? { ...head, type: "message", text };
}

const run = (...events: Logged[]): LogState => fold(EMPTY, events);
const items = (state: LogState, turnId = "t0") => state.turns.get(turnId)?.items ?? [];

test("a log makes the same conversations however it is cut, and however often a part of it comes again", () => {
  fc.assert(
    fc.property(log, fc.array(fc.tuple(fc.nat(60), fc.nat(60)), { maxLength: 12 }), (events, cuts) => {
      let state = EMPTY;
      // Each part begins at or before what is known, as after a connection that has broken.
      for (const [back, length] of [...cuts, [0, events.length] as const]) {
        const from = Math.max(0, state.seq - back);
        state = fold(state, events.slice(from, from + back + length));
      }
      expect(state).toEqual(fold(EMPTY, events));
    }),
  );
});

test("one event at a time, or all at once, is the same", () => {
  fc.assert(
    fc.property(log, (events) => {
      expect(events.reduce((state, event) => fold(state, [event]), EMPTY)).toEqual(fold(EMPTY, events));
    }),
  );
});

test("what no event has changed stays the same object", () => {
  const before = run(eventOf(1, "t0", 0, "one", 0), eventOf(2, "t0", 1, "said", 0), eventOf(3, "t1", 0, "two", 0));
  const after = fold(before, [eventOf(4, "t1", 1, "more", 0)]);
  expect(after.turns.get("t0")).toBe(before.turns.get("t0"));
  expect(after.turns.get("t1")).not.toBe(before.turns.get("t1"));
  expect(fold(after, [eventOf(4, "t1", 1, "more", 0)])).toBe(after);
});

test("pieces of a message that follow each other are one text, and what comes between parts them", () => {
  const state = run(...[0, 1, 1, 2, 1].map((what, at) => eventOf(at + 1, "t0", what, "ab", 0)));
  expect(items(state)).toMatchObject([
    { kind: "message", text: "abab" },
    { kind: "thought", text: "ab" },
    { kind: "message", text: "ab" },
  ]);
});

test("an event of a tool call changes what it says, and leaves what it leaves out", () => {
  const state = run(eventOf(1, "t0", 0, "", 0), eventOf(2, "t0", 3, "Edit a.ts", 0), eventOf(3, "t0", 4, "done", 0));
  const told = {
    call: "c0",
    title: "Edit a.ts",
    does: "edit",
    status: "completed",
    input: { a: 1 },
    output: "done",
    truncated: true,
  };
  expect(items(state)).toMatchObject([told]);
});

test("a permission waits until it is answered", () => {
  const asked = run(eventOf(1, "t0", 0, "", 0), eventOf(2, "t0", 6, "rm -rf build", 1));
  expect([...asked.waiting.keys()]).toEqual(["p1"]);
  const answered = fold(asked, [eventOf(3, "t0", 7, "", 1)]);
  expect(answered.waiting.size).toBe(0);
  expect(items(answered)).toMatchObject([{ kind: "permission", answer: { by: "user", optionId: null } }]);
});

test("no permission outlives its turn", () => {
  const state = run(eventOf(1, "t0", 0, "", 0), eventOf(2, "t0", 6, "", 1), eventOf(3, "t0", 9, "", 0));
  expect(state.waiting.size).toBe(0);
  expect(state.turns.get("t0")?.ended?.status).toBe("completed");
});

test("a plan stands where it was first told, as it was last told", () => {
  const state = run(...[0, 5, 1, 5].map((what, at) => eventOf(at + 1, "t0", what, `${at}`, 0)));
  expect(items(state)).toMatchObject([{ kind: "plan", entries: [{ content: "3" }] }, { kind: "message" }]);
});

test("20,000 events that come in 400 pieces are folded in less than a second", () => {
  const events = Array.from({ length: 20_000 }, (_, at) =>
    eventOf(at + 1, `t${Math.floor(at / 50)}`, at % 50 === 0 ? 0 : at % 50 === 49 ? 9 : 1 + (at % 4), "some words ", at % 3),
  );
  const began = performance.now();
  let state = EMPTY;
  for (let at = 0; at < events.length; at += 50) state = fold(state, events.slice(at, at + 50));
  expect(performance.now() - began).toBeLessThan(1000);
  expect([...state.turns.values()].every((turn: Turn) => turn.ended !== null)).toBe(true);
});
