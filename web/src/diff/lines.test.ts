import fc from "fast-check";
import { expect, test } from "vitest";
import type { Hunk } from "./hunk";
import { diffLines } from "./lines";

const text = fc
  .array(fc.constantFrom("a", "b", "c", "", "  d"), { maxLength: 30 })
  .map((lines) => lines.map((line) => `${line}\n`).join(""));

/** `before` with the hunks put in their places. */
function applied(before: string, hunks: readonly Hunk[]): string {
  const lines = before.split("\n").slice(0, -1);
  const made: string[] = [];
  let at = 0;
  for (const { lines: changed } of hunks) {
    const first = changed.find((line) => line.old !== null)?.old;
    const start = first != null ? first - 1 : Math.min(at, lines.length);
    made.push(...lines.slice(at, start));
    at = start;
    for (const line of changed) {
      if (line.kind !== "added") {
        expect(lines[at]).toBe(line.text);
        at += 1;
      }
      if (line.kind !== "removed") made.push(line.text);
    }
  }
  return [...made, ...lines.slice(at)].map((line) => `${line}\n`).join("");
}

test("the hunks make the second text of the first, whatever the two are", () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      expect(applied(before, diffLines(before, after))).toBe(after);
    }),
  );
});

test("texts that are equal have no difference", () => {
  fc.assert(
    fc.property(text, (same) => {
      expect(diffLines(same, same)).toEqual([]);
    }),
  );
});

test("no line is called changed that the shortest difference leaves alone", () => {
  const kinds = diffLines("a\nb\nc\na\nb\nb\na\n", "c\nb\na\nb\na\nc\n").flatMap((hunk) => hunk.lines.map((line) => line.kind));
  expect(kinds.filter((kind) => kind !== "same")).toHaveLength(5);
});

test("a change has three lines around it, and its numbers in the header", () => {
  const lines = Array.from({ length: 20 }, (_, number) => `line ${number + 1}`);
  const [hunk, ...others] = diffLines(lines.join("\n"), lines.with(9, "other").join("\n"));
  expect(others).toEqual([]);
  expect(hunk?.header).toBe("@@ -7,7 +7,7 @@");
  expect(hunk?.lines.filter((line) => line.kind !== "same")).toEqual([
    { kind: "removed", text: "line 10", old: 10, new: null },
    { kind: "added", text: "other", old: null, new: 10 },
  ]);
});

test("changes far from each other are hunks of their own", () => {
  const lines = Array.from({ length: 40 }, (_, number) => `${number}`);
  expect(diffLines(lines.join("\n"), lines.with(2, "x").with(30, "y").join("\n"))).toHaveLength(2);
});

test("two long texts that have nothing in common take no time", () => {
  const [before, after] = ["x", "y"].map((mark) => Array.from({ length: 20_000 }, (_, at) => `${mark}${at}`).join("\n"));
  const began = performance.now();
  expect(diffLines(before ?? "", after ?? "")[0]?.lines).toHaveLength(40_000);
  expect(performance.now() - began).toBeLessThan(2000);
});
