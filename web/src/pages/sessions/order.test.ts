import fc from "fast-check";
import { expect, test } from "vitest";
import { session } from "#/testing/sessions";
import { byActivity, matching } from "./order";

function used(sessionId: string, lastActivity: string, createdAt = "2026-01-01T00:00:00Z") {
  return session({ sessionId, lastActivity, createdAt });
}

function ids(sessions: Iterable<{ sessionId: string }>): string[] {
  return [...sessions].map(({ sessionId }) => sessionId);
}

test("the one that was used last is first", () => {
  const sessions = [
    used("old", "2026-01-01T00:00:00Z"),
    used("new", "2026-01-03T00:00:00Z"),
    used("mid", "2026-01-02T00:00:00Z"),
  ];
  expect(ids(byActivity(sessions))).toEqual(["new", "mid", "old"]);
});

test("two that are used side by side do not change places all the time", () => {
  const one = used("one", "2026-01-01T10:00:05Z", "2026-01-01T02:00:00Z");
  const other = used("other", "2026-01-01T10:00:40Z", "2026-01-01T01:00:00Z");
  expect(ids(byActivity([one, other]))).toEqual(["one", "other"]);
  expect(ids(byActivity([other, { ...one, lastActivity: "2026-01-01T10:00:59Z" }]))).toEqual(["one", "other"]);
});

test("the order is the same whatever the order of what is known", () => {
  const one = fc.record({ sessionId: fc.uuid(), at: fc.integer({ min: 0, max: 5 }), born: fc.integer({ min: 0, max: 2 }) });
  const many = fc.uniqueArray(one, { selector: ({ sessionId }) => sessionId });
  const whole = many.chain((items) => fc.tuple(fc.constant(items), fc.shuffledSubarray(items, { minLength: items.length })));
  const view = ({ sessionId, at, born }: { sessionId: string; at: number; born: number }) =>
    used(sessionId, `2026-01-01T00:0${at}:00Z`, `2026-01-01T00:00:0${born}Z`);
  fc.assert(
    fc.property(whole, ([items, shuffled]) => {
      expect(ids(byActivity(shuffled.map(view)))).toEqual(ids(byActivity(items.map(view))));
    }),
  );
});

test("a filter wants all of its words, in the name, the repository, the ref, the id or the state", () => {
  const sessions = [
    session({ sessionId: "a", name: "Parser", ref: "fix/tokens" }),
    session({ sessionId: "b", name: "Docs", repoUrl: null, status: "error" }),
  ];
  expect(ids(matching(sessions, "  tools PARS"))).toEqual(["a"]);
  expect(ids(matching(sessions, "tokens"))).toEqual(["a"]);
  expect(ids(matching(sessions, "error"))).toEqual(["b"]);
  expect(ids(matching(sessions, "parser error"))).toEqual([]);
  expect(ids(matching(sessions, "  "))).toEqual(["a", "b"]);
});
