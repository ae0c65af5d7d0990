import fc from "fast-check";
import { expect, test } from "vitest";
import { webAddress } from "./links";
import { bytesOf, linesOf, pasteOf, titleOf } from "./text";

test("a title is short plain text, whatever a program calls itself", () => {
  expect(titleOf("vim \u001b[31mred\u202e\u0007 <b>")).toBe("vim [31mred <b>");
  expect(Array.from(titleOf("🦀".repeat(1_000_000)))).toHaveLength(100);
});

test("a paste keeps its text, its lines and its tabs, and no escape", () => {
  expect(pasteOf("a\tb\r\nc\u001b[201~d\u0000\u009b")).toBe("a\tb\r\nc[201~d");
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(Array.from("\u0000\u001b\u007f\u009b").some((control) => pasteOf(text).includes(control))).toBe(false);
    }),
  );
});

test.each([
  ["one", 1],
  ["one\n", 2],
  ["one\r\ntwo\rthree\nfour", 4],
])("the lines of %j are counted as a shell would", (text, count) => {
  expect(linesOf(text)).toBe(count);
});

test("bytes are told in units of people", () => {
  expect([0, 999, 1500, 2_500_000].map(bytesOf)).toEqual(["0 bytes", "999 bytes", "1.5 kB", "2.5 MB"]);
});

test.each(["https://example.org/a?b", "http://127.0.0.1:8080/"])("%s may be followed", (text) => {
  expect(webAddress(text)).toBe(text);
});

test.each([
  "javascript:alert(1)",
  "JaVaScRiPt:alert(1)",
  "data:text/html,x",
  "file:///etc/passwd",
  "//example.org",
  "",
  "vbscript:x",
  " \u0001javascript:x",
])("%j may not", (text) => {
  expect(webAddress(text)).toBeNull();
});
