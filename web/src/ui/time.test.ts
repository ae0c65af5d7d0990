import { expect, test } from "vitest";
import { left, relative } from "./time";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

test.each([
  [7 * DAY - 1000, "in 7 days"],
  [DAY - 1000, "in 24 hr."],
  [90 * MINUTE, "in 2 hr."],
  [59_000, "now"],
  [-59_000, "now"],
  [-MINUTE, "1 min. ago"],
  [-DAY, "yesterday"],
])("%d ms from now is %s", (distance, said) => {
  expect(relative(Date.UTC(2026, 0, 1) + distance, Date.UTC(2026, 0, 1))).toBe(said);
});

test.each([
  [12, "12 s"],
  [270, "4 min 30 s"],
  [3900, "1 h 05 min"],
  [90_000, "1 d 1 h"],
  [-5, "0 s"],
])("%d seconds are left as %s", (seconds, said) => {
  expect(left(seconds)).toBe(said);
});
