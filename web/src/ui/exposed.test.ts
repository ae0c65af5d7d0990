import fc from "fast-check";
import { expect, test } from "vitest";
import { exposed } from "./exposed";

/** The text, with what is told in words in brackets. */
const told = (text: string) =>
  exposed(text)
    .map((piece) => (piece.unseen ? `[${piece.text}]` : piece.text))
    .join("");

test.each([
  ["ls -la\n\tcd /tmp\r\n", "ls -la\n\tcd /tmp\r\n"],
  ["echo \u202etxt.exe", "echo [U+202E]txt.exe"],
  ["a\u200bb\u2060\ufeffc", "a[U+200B]b[U+2060 U+FEFF]c"],
  ["ls \u001b]0;; rm -rf ~\u0007", "ls [U+001B]]0;; rm -rf ~[U+0007]"],
  ["echo ok\rrm -rf ~", "echo ok[U+000D]rm -rf ~"],
  ["rm\u00a0-rf\u3164\u2800x", "rm[U+00A0]-rf[U+3164 U+2800]x"],
  ["a\u{e0061}\u{e0062}", "a[U+E0061 U+E0062]"],
  ["❤️ and 👩‍🚀 stay", "❤️ and 👩‍🚀 stay"],
  ["x\ufe0f", "x[U+FE0F]"],
  ["\ud800", "[U+D800]"],
  [`ls${" ".repeat(500)}; rm`, "ls[500 blanks]; rm"],
  [`ls${"\n".repeat(200)}rm`, "ls[200 line breaks]rm"],
  [`ls${" \t\n".repeat(7)}rm`, "ls[7 line breaks]rm"],
  ["\u200b".repeat(1000), `[${"U+200B ".repeat(8)}and 992 more]`],
])("%j is shown as %j", (text, shown) => {
  expect(told(text)).toBe(shown);
});

test("what is left as it is neither hides nor moves anything", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      for (const { text: left } of exposed(text).filter((piece) => !piece.unseen)) {
        expect(left).not.toMatch(/(?![\t\n\r])\p{Cc}|[\u202a-\u202e\u2066-\u2069\u2028\u200e\u200f]/u);
      }
    }),
  );
});

test.each([" ", "\t\n", "\r", "\u200b", " \u200b", `${" ".repeat(31)}x`])("a long run of %j takes no long time", (part) => {
  const begun = performance.now();
  exposed(part.repeat(250_000 / part.length));
  expect(performance.now() - begun).toBeLessThan(1000);
});

test.each([
  ["a name.txt", "a name.txt"],
  ["new\nline\t.txt", "new[U+000A]line[U+0009].txt"],
  ["photo\u202egnp.exe", "photo[U+202E]gnp.exe"],
  [`a${" ".repeat(40)}.exe`, "a[40 blanks].exe"],
])("the name %j is shown in one line as %j", (name, shown) => {
  expect(
    exposed(name, true)
      .map((piece) => (piece.unseen ? `[${piece.text}]` : piece.text))
      .join(""),
  ).toBe(shown);
});
