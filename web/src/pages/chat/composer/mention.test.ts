import fc from "fast-check";
import { expect, test } from "vitest";
import { completed, fitting, mentionAt, parted } from "./mention";

test("a mention begins at an @ behind nothing or a space, and ends at the caret", () => {
  expect(mentionAt("look at @src/a", 14)).toEqual({ start: 8, end: 14, query: "src/a" });
  expect(mentionAt("@", 1)).toEqual({ start: 0, end: 1, query: "" });
  expect(mentionAt("look at @src/a", 10)).toEqual({ start: 8, end: 10, query: "s" });
});

test("an address, and what is behind a space, is no mention", () => {
  expect(mentionAt("me@example.org", 14)).toBeNull();
  expect(mentionAt("@src then", 9)).toBeNull();
});

test("the path takes the place of what was written, and the caret stands behind it", () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-z ]{0,9}$/),
      fc.stringMatching(/^[a-z/.]{0,6}$/),
      fc.string(),
      (before, query, after) => {
        const text = `${before && `${before} `}@${query}`;
        const mention = mentionAt(text, text.length);
        if (mention === null) throw new Error("there is a mention");
        const done = completed(text + after, mention, "src/main.ts", false);
        expect(done.text.slice(0, done.caret)).toBe(`${before && `${before} `}@src/main.ts `);
        expect(done.text.endsWith(after.replace(/^ /, ""))).toBe(true);
      },
    ),
  );
});

test("a folder can be gone on from, and a path with spaces stands in quotes", () => {
  const mention = { start: 0, end: 3, query: "sr" };
  expect(completed("@sr", mention, "src", true).text).toBe("@src/");
  expect(completed("@sr", mention, "my notes.txt", false).text).toBe('@"my notes.txt" ');
});

test("a query names a folder and what is looked for in it", () => {
  expect(parted("src/api/cl")).toEqual({ folder: "src/api", name: "cl" });
  expect(parted("src/")).toEqual({ folder: "src", name: "" });
  expect(parted("cl")).toEqual({ folder: "", name: "cl" });
});

test("names that begin so come first, and then shorter paths", () => {
  const files = ["src/deep/client.ts", "client.ts", "src/my-client.ts", "docs/readme.md", "colt/ie/nt.md"].map((path) => ({
    path,
    name: path.split("/").at(-1) ?? "",
  }));
  expect(fitting(files, "client", 9).map((file) => file.path)).toEqual([
    "client.ts",
    "src/deep/client.ts",
    "src/my-client.ts",
    "colt/ie/nt.md",
  ]);
});
