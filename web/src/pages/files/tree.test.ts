import { expect, it } from "vitest";
import type { FileView } from "#/api/schema";
import { type Folder, marksOf, rowsOf, sorted } from "./tree";

function entry(path: string, kind: FileView["kind"] = "file"): FileView {
  const name = path.split("/").at(-1) ?? path;
  return { path, name, kind, size: 1, mode: "0644", modifiedAt: "2026-01-01T00:00:00Z", target: null, etag: null };
}

function folder(...entries: FileView[]): Folder {
  return { entries, error: null, more: false };
}

function drawn(folders: ReadonlyMap<string, Folder>, open: string[], hidden = false): string[] {
  return rowsOf(folders, new Set(open), hidden).map((row) => {
    const what = row.kind === "entry" ? `${row.entry.name} ${row.position}/${row.size}` : row.kind;
    return " ".repeat(row.level - 1) + what;
  });
}

it("shows what is in open folders below them, and what is not there yet", () => {
  const folders = new Map([
    ["", folder(entry("src", "folder"), entry("doc", "folder"), entry(".env"), entry("a.txt"))],
    ["src", folder(entry("src/app.ts"))],
  ]);
  expect(drawn(folders, ["src", "doc"])).toEqual(["src 1/3", " app.ts 1/1", "doc 2/3", " loading", "a.txt 3/3"]);
  expect(drawn(folders, [], true)).toContain(".env 3/4");
});

it("says where a folder could not be read, and where there is more", () => {
  const broken: Folder = { entries: undefined, error: new Error("x"), more: false };
  const long: Folder = { ...folder(entry("a", "folder"), entry("b")), more: true };
  expect(
    drawn(
      new Map([
        ["", long],
        ["a", broken],
      ]),
      ["a"],
    ),
  ).toEqual(["a 1/2", " error", "b 2/2", "more"]);
});

it("sorts folders first, and numbers as numbers", () => {
  const given = [entry("a10"), entry("a9"), entry("Z", "folder"), entry("B"), entry("b", "folder")];
  expect(sorted(given).map(({ name }) => name)).toEqual(["b", "Z", "a9", "a10", "B"]);
});

it("marks files as git does, and folders with marked files", () => {
  const status = (path: string, staged: string, unstaged: string, conflict = false) => ({
    path,
    staged,
    unstaged,
    conflict,
    original: null,
  });
  const marks = marksOf([
    status("new/a", "?", "?"),
    status("src/x", ".", "M"),
    status("src/y", "A", "."),
    status("gone", ".", "D"),
    status("both", "U", "U", true),
    status("moved", "R", "."),
  ]);
  expect(Object.fromEntries(marks)).toEqual({
    new: "?",
    "new/a": "?",
    src: "M",
    "src/x": "M",
    "src/y": "A",
    gone: "D",
    both: "!",
    moved: "R",
  });
});
