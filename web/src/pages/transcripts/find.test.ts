import fc from "fast-check";
import { expect, test } from "vitest";
import { findIn, hintOf, inputText } from "./find";
import { entry } from "./samples";

test("what is searched is found in what was said, in a tool's name, its input and its output, whatever the case", () => {
  const entries = [
    entry({ text: "Look at the Parser" }),
    entry({ role: "tool", name: "Bash", input: { command: "ls parser/" } }),
    entry({ role: "tool", name: "Read", output: "the PARSER fails" }),
    entry({ text: "something else" }),
  ];
  expect(findIn(entries, " parser ")).toEqual([0, 1, 2]);
  expect(findIn(entries, "bash")).toEqual([1]);
  expect(findIn(entries, "")).toEqual([]);
});

test("a tool's command, file or pattern says what it was about", () => {
  expect(hintOf({ description: "look", command: "cat a.txt\nrm b.txt" })).toBe("cat a.txt");
  expect(hintOf({ command: ["bash", "-lc", "ls"] })).toBe("bash -lc ls");
  expect(hintOf({ file_path: "/srv/a.py", old_string: "x" })).toBe("/srv/a.py");
  expect(hintOf("plain")).toBe("plain");
  expect(hintOf({ nothing: 1 })).toBe("");
});

test("whatever a tool was given has a text and a hint of one line", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (input) => {
      expect(typeof inputText(input)).toBe("string");
      expect(hintOf(input)).not.toContain("\n");
    }),
  );
});
