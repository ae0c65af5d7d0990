import fc from "fast-check";
import { expect, it } from "vitest";
import type { Hunk } from "./hunk";
import { sides } from "./sides";

type Line = Hunk["lines"][number];

/** One line for each mark, as in a patch. */
function lines(marks: string): Line[] {
  return [...marks].map((mark, at) => {
    const kind = mark === "+" ? "added" : mark === "-" ? "removed" : "same";
    return { kind, text: `${at}`, old: kind === "added" ? null : at, new: kind === "removed" ? null : at };
  });
}

function drawn(text: string): string[] {
  const [old, now] = sides({ header: "", lines: lines(text) });
  return [old, now].map((side) => side.map((row) => row?.text ?? ".").join(""));
}

it("puts what was removed beside what came in its place", () => {
  expect(drawn(" --+ ")).toEqual(["0124", "03.4"]);
  expect(drawn(" -++ ")).toEqual(["01.4", "0234"]);
  expect(drawn("+ ")).toEqual([".1", "01"]);
  expect(drawn("-+-+")).toEqual(["02", "13"]);
});

it("keeps all lines of each side, in order, with the same ones level", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(" ", "+", "-") }), (text) => {
      const given = lines(text);
      const [old, now] = sides({ header: "", lines: given });
      expect(old.length).toBe(now.length);
      expect(old.filter((row) => row !== null)).toEqual(given.filter((line) => line.kind !== "added"));
      expect(now.filter((row) => row !== null)).toEqual(given.filter((line) => line.kind !== "removed"));
      old.forEach((row, at) => {
        if (row?.kind === "same") expect(now[at]).toBe(row);
      });
    }),
  );
});
