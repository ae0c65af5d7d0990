import fc from "fast-check";
import { expect, test } from "vitest";
import { PRESETS, describe as words } from "./cron";

test.each([
  ["* * * * *", "Every minute"],
  ["*/15 * * * *", "Every 15 minutes"],
  ["0 * * * *", "Every hour"],
  ["5 * * * *", "Every hour, 5 min past"],
  ["30 */6 * * *", "Every 6 hours, 30 min past"],
  ["0 9 * * *", "Every day at 09:00"],
  ["0 9,13,17 * * *", "Every day at 09:00, 13:00 and 17:00"],
  ["15 7 * * 1-5", "Monday to Friday at 07:15"],
  ["15 7 * * mon-fri", "Monday to Friday at 07:15"],
  ["0 0 * * 0", "Sundays at 00:00"],
  ["0 0 * * 7", "Sundays at 00:00"],
  ["0 0 * * SAT,SUN", "Saturdays and Sundays at 00:00"],
  ["0 3 1 * *", "The 1st of each month at 03:00"],
  ["0 3 12 * *", "The 12th of each month at 03:00"],
  ["0 3 22 * *", "The 22nd of each month at 03:00"],
  ["0 3 24 12 *", "Every 24 December at 03:00"],
  ["0 3 24 dec *", "Every 24 December at 03:00"],
])("says %s in words", (cron, expected) => {
  expect(words(cron)).toBe(expected);
});

test.each([
  ["four fields", "0 9 * *"],
  ["six fields", "0 9 * * * *"],
  ["a step that does not divide an hour", "*/7 * * * *"],
  ["a minute that there is not", "60 9 * * *"],
  ["an hour that there is not", "0 24 * * *"],
  ["a range of hours", "0 9-17 * * *"],
  ["a day of the month and one of the week", "0 9 1 * 1"],
  ["a step of days", "0 9 */2 * *"],
  ["a day that there is not", "0 9 * * 8"],
  ["nothing", ""],
])("says nothing about %s", (_, cron) => {
  expect(words(cron)).toBeNull();
});

test("each preset has words, those of its own label", () => {
  for (const { label, cron } of PRESETS) expect(words(cron)).toBe(label);
});

test("any text is either described or not, and never fails", () => {
  const field = fc.stringMatching(/^[0-9a-zA-Z*/,-]{0,6}$/);
  fc.assert(
    fc.property(fc.array(field, { maxLength: 7 }), (fields) => {
      const said = words(fields.join(" "));
      expect(said === null || (said.length > 5 && !said.includes("undefined"))).toBe(true);
    }),
  );
});

test("every time of a day is said as a clock shows it", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 59 }), fc.integer({ min: 0, max: 23 }), (minute, hour) => {
      const clock = new Date(Date.UTC(2026, 0, 1, hour, minute)).toISOString().slice(11, 16);
      expect(words(`${minute} ${hour} * * *`)).toBe(`Every day at ${clock}`);
    }),
  );
});
