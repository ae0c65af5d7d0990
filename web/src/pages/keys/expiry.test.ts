import fc from "fast-check";
import { expect, test } from "vitest";
import { endOf, expiryOf } from "./expiry";

const NOW = Date.parse("2026-03-01T12:00:00Z");

test("a number of days is counted from now", () => {
  expect(endOf({ choice: "7", date: "" }, NOW)).toBe("2026-03-08T12:00:00.000Z");
});

test("never is null", () => {
  expect(endOf({ choice: "never", date: "2026-03-02" }, NOW)).toBeNull();
  expect(expiryOf(null).choice).toBe("never");
});

test("a day ends at its last second, where the reader is", () => {
  const end = new Date(endOf({ choice: "date", date: "2026-03-31" }, NOW) ?? "");
  expect([end.getDate(), end.getHours(), end.getMinutes(), end.getSeconds()]).toEqual([31, 23, 59, 59]);
});

test("the end that a key has is shown as its day", () => {
  fc.assert(
    fc.property(fc.date({ min: new Date("2026-01-01"), max: new Date("2090-01-01"), noInvalidDate: true }), (end) => {
      const again = new Date(endOf(expiryOf(end.toISOString()), NOW) ?? "");
      expect(again.toDateString()).toBe(end.toDateString());
    }),
  );
});
