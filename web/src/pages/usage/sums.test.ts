import fc from "fast-check";
import { expect, test } from "vitest";
import type { UsageRowView } from "#/api/schema";
import { daily, type Grouping, ranges, sums } from "./sums";

const day = fc.integer({ min: 1, max: 28 }).map((number) => `2026-02-${String(number).padStart(2, "0")}`);
const row: fc.Arbitrary<UsageRowView> = fc.record({
  day,
  sessionId: fc.constantFrom("s1", "s2", "s3"),
  agent: fc.constantFrom("claude", "codex"),
  model: fc.constantFrom("opus", "gpt", null),
  turns: fc.nat(50),
  input: fc.nat(1_000_000),
  output: fc.nat(1_000_000),
  cacheRead: fc.nat(1_000_000),
  cacheWrite: fc.nat(1_000_000),
  cost: fc.nat(1000),
  unpriced: fc.nat(5),
});
const grouping = fc.constantFrom<Grouping>("day", "agent", "model", "sessionId");

test("nothing is lost or doubled by adding up, whatever it is added up by", () => {
  fc.assert(
    fc.property(fc.array(row), grouping, (rows, by) => {
      const found = sums(rows, by);
      for (const field of ["turns", "input", "output", "cacheRead", "cost", "unpriced"] as const)
        expect(found.reduce((sum, one) => sum + one[field], 0)).toBe(rows.reduce((sum, one) => sum + one[field], 0));
      expect(new Set(found.map(({ key }) => key)).size).toBe(found.length);
    }),
  );
});

test("days come in their order, and everything else by what it cost", () => {
  fc.assert(
    fc.property(fc.array(row), grouping, (rows, by) => {
      const found = sums(rows, by);
      const values = found.map(({ key, cost }) => (by === "day" ? key : -cost));
      for (const [at, value] of values.entries()) if (at > 0) expect(value >= (values[at - 1] ?? value)).toBe(true);
    }),
  );
});

test("a range has a bar for each day, also for those without use", () => {
  const one = { day: "2026-02-27", sessionId: "s1", agent: "a", model: null, turns: 2, input: 1, output: 1, cacheRead: 0 };
  const found = daily(sums([{ ...one, cacheWrite: 0, cost: 3, unpriced: 0 }], "day"), "2026-02-26", "2026-03-01");
  expect(found.map(({ key, cost }) => [key, cost])).toEqual([
    ["2026-02-26", 0],
    ["2026-02-27", 3],
    ["2026-02-28", 0],
    ["2026-03-01", 0],
  ]);
});

test("of a range that is longer than can be drawn the last days are shown", () => {
  const found = daily([], "2020-01-01", "2026-03-01");
  expect(found).toHaveLength(92);
  expect(found.at(-1)?.key).toBe("2026-03-01");
});

test("the ranges are whole UTC months, and days that end today", () => {
  expect(ranges(Date.parse("2026-03-01T00:30:00Z"))).toEqual({
    "This month": { since: "2026-03-01", until: "2026-03-01" },
    "Last month": { since: "2026-02-01", until: "2026-02-28" },
    "Last 7 days": { since: "2026-02-23", until: "2026-03-01" },
    "Last 90 days": { since: "2025-12-02", until: "2026-03-01" },
  });
});
