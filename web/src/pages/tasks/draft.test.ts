import fc from "fast-check";
import { expect, test } from "vitest";
import { BLANK, type Draft, draftOf, planOf } from "./draft";

test("what is left empty is left to the host", () => {
  expect(planOf({ ...BLANK, prompt: "Go" })).toEqual({
    ...{ prompt: "Go", agent: null, model: null, mode: null, sessionId: null, worktreeId: null, repoUrl: null, ref: null },
    ...{ timeout: null, attempts: null, permissions: "deny", keepSession: true },
  });
});

test("the limit is told in seconds", () => {
  expect(planOf({ ...BLANK, minutes: 1.5 }).timeout).toBe(90);
});

test("what belongs to the other place is not sent", () => {
  const both: Draft = { ...BLANK, sessionId: "s1", worktreeId: "wt1", repoUrl: "https://example.org/a", ref: "main" };
  const inSession = planOf({ ...both, place: "session", keepSession: false });
  expect(inSession).toMatchObject({ sessionId: "s1", worktreeId: "wt1", repoUrl: null, ref: null, keepSession: true });
  expect(planOf(both)).toMatchObject({ sessionId: null, worktreeId: null, repoUrl: "https://example.org/a", ref: "main" });
});

test("a task that has worked in its own clone gets another when it is run again", () => {
  const task = { ...planOf({ ...BLANK, repoUrl: "https://example.org/a" }), sessionId: "s1" };
  expect(planOf(draftOf(task))).toMatchObject({ sessionId: null, repoUrl: "https://example.org/a" });
});

test("any plan comes back from its form as it was", () => {
  const text = fc.option(fc.stringMatching(/^[a-z]{1,8}$/), { nil: null });
  const common = {
    ...{ prompt: fc.string(), agent: text, model: text, mode: text },
    ...{ timeout: fc.option(fc.integer({ min: 1, max: 999 }).map((minutes) => minutes * 60)), attempts: fc.option(fc.nat()) },
    permissions: fc.constantFrom("allow" as const, "deny" as const),
  };
  const nothing = fc.constant(null);
  const own = fc.record({
    ...{ ...common, sessionId: nothing, worktreeId: nothing, repoUrl: text, ref: text, keepSession: fc.boolean() },
  });
  const there = fc.record({
    ...{ ...common, repoUrl: nothing, ref: nothing, keepSession: fc.constant(true) },
    ...{ sessionId: fc.constant("s1"), worktreeId: text },
  });
  fc.assert(
    fc.property(fc.oneof(own, there), (plan) => {
      expect(planOf(draftOf(plan))).toEqual(plan);
    }),
  );
});
