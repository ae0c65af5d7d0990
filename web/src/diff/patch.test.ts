import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NO_NEWLINE, parsePatch } from "./patch";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "patch-"));
  git("init", "--quiet");
});
afterEach(() => rmSync(folder, { recursive: true }));

function git(...args: string[]): string {
  const identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "core.autocrlf=false"];
  return execFileSync("git", [...identity, ...args], { cwd: folder, encoding: "utf8", maxBuffer: 1 << 26 });
}

function put(files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}

function save(): void {
  git("add", "--all");
  git("commit", "--quiet", "--allow-empty", "--message=x");
}

/** What the API prints, of all that is there since the last commit. */
function patch(): string {
  git("add", "--all");
  return git("diff", "--cached", "--patch", "--src-prefix=a/", "--dst-prefix=b/", "--find-renames");
}

/** One side of the hunks, with its marks of a missing end of line. */
function side(text: string, dropped: "added" | "removed"): string[] {
  return parsePatch(text).flatMap((file) =>
    file.hunks.flatMap((hunk) => hunk.lines.filter((line) => line.kind !== dropped).map((line) => line.text)),
  );
}

describe("parsePatch", () => {
  it("reads what git prints of added, changed, deleted and renamed files", () => {
    put({ "kept.txt": "one\ntwo\nthree\n", "gone.txt": "x\n", "old name.txt": "a\nb\nc\nd\ne\n" });
    save();
    put({ "kept.txt": "one\n2\nthree\n", "dir/new.txt": "hello\n" });
    rmSync(join(folder, "gone.txt"));
    renameSync(join(folder, "old name.txt"), join(folder, "new name.txt"));
    const files = parsePatch(patch());
    expect(files.map(({ path, original, change }) => ({ path, original, change }))).toEqual([
      { path: "dir/new.txt", original: null, change: "added" },
      { path: "gone.txt", original: null, change: "deleted" },
      { path: "kept.txt", original: null, change: "modified" },
      { path: "new name.txt", original: "old name.txt", change: "renamed" },
    ]);
    expect(files[2]?.hunks[0]?.lines).toEqual([
      { kind: "same", text: "one", old: 1, new: 1 },
      { kind: "removed", text: "two", old: 2, new: null },
      { kind: "added", text: "2", old: null, new: 2 },
      { kind: "same", text: "three", old: 3, new: 3 },
    ]);
  });

  it("reads modes, empty files and binary files, which have no hunks", () => {
    put({ "run.sh": "#!/bin/sh\n", "logo.bin": new Uint8Array([0, 1, 2]) });
    save();
    chmodSync(join(folder, "run.sh"), 0o755);
    put({ "logo.bin": new Uint8Array([0, 9, 9]), empty: "" });
    const [empty, logo, run] = parsePatch(patch());
    expect(empty).toMatchObject({ path: "empty", change: "added", hunks: [] });
    expect(logo).toMatchObject({ path: "logo.bin", binary: true, hunks: [] });
    expect(run).toMatchObject({ path: "run.sh", oldMode: "100644", newMode: "100755", hunks: [] });
  });

  it("gives back names that git quotes", () => {
    const names = ['a"quote.txt', "tab\there", "nieuw ë 日本.txt", "back\\slash", "line\nbreak", "spaces at end  "];
    put(Object.fromEntries(names.map((name) => [name, "x\n"])));
    save();
    put(Object.fromEntries(names.map((name) => [name, "y\n"])));
    expect(parsePatch(patch()).map((file) => file.path)).toEqual(expect.arrayContaining(names));
    renameSync(join(folder, "tab\there"), join(folder, "tab\tthere"));
    put({ "tab\tthere": "x\n" });
    expect(parsePatch(patch())).toContainEqual(expect.objectContaining({ path: "tab\tthere", original: "tab\there" }));
  });

  it("shows the bytes of a name that is not UTF-8 as the API does", () => {
    const text = 'diff --git "a/caf\\351" "b/caf\\351"\n--- "a/caf\\351"\n+++ "b/caf\\351"\n@@ -1 +1 @@\n-a\n+b\n';
    expect(parsePatch(text)[0]?.path).toBe("caf\uefe9");
  });

  it("reads a conflict, where a combined diff has no hunks that it knows", () => {
    const text =
      "diff --cc a file.txt\nindex 1,2..0\n--- a/a file.txt\n+++ b/a file.txt\n@@@ -1,1 -1,1 +1,5 @@@\n++<<<<<<< HEAD\n";
    expect(parsePatch(text)).toMatchObject([{ path: "a file.txt", hunks: [] }]);
  });

  it("keeps carriage returns, and says where the last line has no end", () => {
    put({ f: "a\r\nb\r\n" });
    save();
    put({ f: "a\r\nc" });
    expect(parsePatch(patch())[0]?.hunks[0]?.lines).toEqual([
      { kind: "same", text: "a\r", old: 1, new: 1 },
      { kind: "removed", text: "b\r", old: 2, new: null },
      { kind: "added", text: "c", old: null, new: 2 },
      { kind: "added", text: NO_NEWLINE, old: null, new: null },
    ]);
  });

  it("takes no line of a file for a header", () => {
    const hostile = [
      "-- a/evil",
      "++ b/evil",
      "diff --git a/evil b/evil",
      "@@ -1 +1 @@",
      "rename to evil",
      "Binary files evil",
    ];
    put({ f: "", g: "" });
    save();
    put({ f: `${hostile.join("\n")}\n`, g: "after\n" });
    const files = parsePatch(patch());
    expect(files.map((file) => file.path)).toEqual(["f", "g"]);
    expect(files[0]?.hunks[0]?.lines.map((line) => line.text)).toEqual(hostile);
    expect(files[0]?.binary).toBe(false);
  });

  it("has both sides of whatever git compares", () => {
    const line = fc.oneof(
      fc.constantFrom("", "a", "b", "+x", "-y", "@@ -1 +1 @@", "\\ No", "--- a/f", "+++ b/f", "r\r"),
      fc.string(),
    );
    const text = fc
      .tuple(fc.array(line.filter((given) => !given.includes("\n") && !given.includes("\0"))), fc.boolean())
      .map(([lines, end]) => lines.join("\n") + (end && lines.length > 0 ? "\n" : ""));
    fc.assert(
      fc.property(text, text, (before, after) => {
        put({ old: before, new: after });
        const printed = compare();
        const whole = (given: string) => {
          const lines = given.split("\n");
          return lines.at(-1) === "" ? lines.slice(0, -1) : [...lines, NO_NEWLINE];
        };
        if (before === after) expect(parsePatch(printed)).toEqual([]);
        else {
          // A side without any line is not shown at all.
          expect(side(printed, "added")).toEqual(whole(before));
          expect(side(printed, "removed")).toEqual(whole(after));
        }
      }),
      { numRuns: 40 },
    );
  }, 30_000);

  it("never throws, wherever a patch is cut or whatever it is", () => {
    put({ "a b": "1\n2\n3\n" });
    save();
    put({ "a b": "1\n3\n4" });
    const whole = patch();
    for (let end = 0; end <= whole.length; end += 1) parsePatch(whole.slice(0, end));
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom(...whole.split("\n"), '"', 'diff --git "a/x'))), (lines) => {
        for (const file of parsePatch(lines.join("\n"))) expect(typeof file.path).toBe("string");
      }),
    );
  });
});

/** `git diff` of the files `old` and `new`, as text, with all of their lines. */
function compare(): string {
  try {
    return git("diff", "--no-index", "--text", "--unified=100000", "--", "old", "new");
  } catch (error) {
    // It exits with 1 when they differ.
    if (error instanceof Error && "stdout" in error) return String(error.stdout);
    throw error;
  }
}
