import { expect, test } from "vitest";
import { fitting } from "./fitting";

test.each([
  [80, 24, 13],
  [200, 60, 13],
  [40, 24, 6.5],
  [80, 18, 9.5],
  [10, 5, 6],
])("80×24 in the room of %i×%i is drawn in %i pixels", (cols, rows, expected) => {
  expect(fitting(13, { cols, rows }, { cols: 80, rows: 24 }, 6)).toBe(expected);
});

test("a font that is small already stays as it is", () => {
  expect(fitting(4, { cols: 10, rows: 5 }, { cols: 80, rows: 24 }, 6)).toBe(4);
});
