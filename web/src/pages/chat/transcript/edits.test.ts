import { expect, test } from "vitest";
import { besides, editsOf, sizeOf } from "./edits";

const kinds = (input: unknown) =>
  editsOf(input).map(({ path, hunks }) => [
    path,
    hunks.flatMap((hunk) => hunk.lines.map((line) => `${line.kind} ${line.text}`)),
  ]);

test("a text that takes the place of another is a diff without numbers", () => {
  const edits = editsOf({ file_path: "/a.ts", old_string: "one\ntwo", new_string: "one\n2" });
  expect(edits[0]?.hunks[0]?.lines).toEqual([
    { kind: "same", text: "one", old: null, new: null },
    { kind: "removed", text: "two", old: null, new: null },
    { kind: "added", text: "2", old: null, new: null },
  ]);
  expect(sizeOf(edits)).toEqual({ added: 1, removed: 1 });
});

test("a new file is all added, with its numbers", () => {
  expect(editsOf({ file_path: "/a.ts", content: "x\ny\n" })[0]?.hunks[0]?.lines.map((line) => line.new)).toEqual([1, 2]);
});

test("several edits of one file are hunks of one", () => {
  const edits = [
    { old_string: "a", new_string: "b" },
    { old_string: "c", new_string: "d" },
  ];
  expect(editsOf({ file_path: "/a.ts", edits })[0]?.hunks).toHaveLength(2);
});

test("OpenCode's and Codex's words are understood too", () => {
  expect(kinds({ filePath: "a", oldString: "x", newString: "y" })).toEqual([["a", ["removed x", "added y"]]]);
  const changes = {
    "/new": { type: "add", content: "n\n" },
    "/old": { delete: { content: "o\n" } },
    "/mid": { update: { unified_diff: "@@ -1 +1 @@\n-x\n+y\n", move_path: null } },
  };
  expect(kinds({ changes })).toEqual([
    ["/new", ["added n"]],
    ["/old", ["removed o"]],
    ["/mid", ["removed x", "added y"]],
  ]);
});

test("what edits nothing has no edits, whatever it is", () => {
  for (const input of [
    null,
    "text",
    3,
    [],
    {},
    { command: "ls" },
    { path: "x" },
    { changes: { a: 1 } },
    { file_path: 1, content: "x" },
  ]) {
    expect(editsOf(input)).toEqual([]);
  }
});

test.each([
  [{ file_path: "/a", old_string: "x", new_string: "y" }, {}],
  [{ file_path: "/a", content: "y", mode: null }, {}],
  [{ file_path: "/a", old_string: "x", new_string: "y", replace_all: true }, { replace_all: true }],
  [
    { file_path: "/a", path: "/b", content: "y", command: "rm" },
    { path: "/b", command: "rm" },
  ],
  [
    { file_path: "/a", new_string: "y", newText: "z", content: "w" },
    { newText: "z", content: "w" },
  ],
  [{ file_path: "/a", edits: [{ old_string: "x", new_string: "y" }], content: "z" }, { content: "z" }],
  [{ file_path: "/a", edits: [{ new_string: "y", all: true }] }, { edits: [{ new_string: "y", all: true }] }],
  [{ changes: { "/a": { type: "update", unified_diff: "@@", move_path: null } }, reason: "r" }, { reason: "r" }],
  [{ changes: { "/a": { add: { content: "n" } } }, path: "/b" }, { path: "/b" }],
  [{ changes: { "/a": { update: { unified_diff: "@@", move_path: "/b" } } } }, { changes: expect.anything() }],
])("of %j its diff does not show %j", (input, others) => {
  expect(besides(input)).toEqual(others);
});
