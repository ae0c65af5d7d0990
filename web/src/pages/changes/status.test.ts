import { expect, it } from "vitest";
import type { StatusEntryView } from "#/api/schema";
import { comparisonOf, diffQuery } from "./comparison";
import { entriesOf } from "./difference";
import { groupsOf, pathsOf } from "./status";

function entry(path: string, staged: string, unstaged: string, more: Partial<StatusEntryView> = {}): StatusEntryView {
  return { path, staged, unstaged, original: null, conflict: false, ...more };
}

const WHERE = { branch: null, commit: null, upstream: null, ahead: null, behind: null, merging: false, truncated: false };

it("lists a path that is staged and changed since in both groups", () => {
  const [both, moved, fresh, clash] = [
    entry("both", "M", "M"),
    entry("to", "R", ".", { original: "from" }),
    entry("fresh", "?", "?"),
    entry("clash", "A", "A", { conflict: true }),
  ];
  expect(groupsOf({ ...WHERE, entries: [both, moved, fresh, clash] })).toEqual({
    conflicts: [clash],
    staged: [both, moved],
    unstaged: [both],
    untracked: [fresh],
  });
  expect(pathsOf([both, both, moved])).toEqual(["both", "to", "from"]);
});

it("compares what the address asks for", () => {
  const of = (query: string) => comparisonOf(new URLSearchParams(query), { commit: "c" });
  expect(of("")).toEqual({ kind: "all" });
  expect(of("turn=t1&base=main")).toEqual({ kind: "turn", turnId: "t1" });
  expect(of("fork=main")).toEqual({ kind: "fork", base: "main" });
  expect(of("compare=staged")).toEqual({ kind: "staged" });
  expect(of("commit=x&parent=y")).toEqual({ kind: "all" });
  expect(diffQuery({ kind: "fork", base: "main" })).toEqual({ base: "main", target: "HEAD", sinceFork: true });
  expect(comparisonOf(new URLSearchParams(), { commit: null })).toEqual({ kind: "staged" });
});

it("keeps files whose patch was cut away", () => {
  const file = (path: string) => ({ path, original: null, added: 1, removed: 0 });
  const patch = "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1,2 @@\n x\n+y\n";
  const entries = entriesOf({ files: [file("a"), file("b")], patch, truncated: true });
  expect(entries.map(({ lines }) => lines)).toEqual([2, 0]);
  expect(entries[1]?.patch).toBeUndefined();
});
