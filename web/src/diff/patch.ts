import type { Hunk } from "./hunk";

/** What has become of a file. */
export type FileChange = "modified" | "added" | "deleted" | "renamed" | "copied";

/** One file of a patch. Its paths are as git means them: without quotes, and without `a/` and `b/`. */
export interface FilePatch {
  path: string;
  /** Of a rename or a copy. */
  original: string | null;
  change: FileChange;
  binary: boolean;
  /** Like "100644"; null where the patch does not say that they differ. */
  oldMode: string | null;
  newMode: string | null;
  hunks: Hunk[];
}

/** Mark of the last line of a side that has no end of line. It stands in the text, as the line's own mark. */
export const NO_NEWLINE = "\\ No newline at end of file";

const HUNK = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)$/;
const KINDS: Readonly<Record<string, Hunk["lines"][number]["kind"]>> = { " ": "same", "+": "added", "-": "removed" };
const ESCAPES: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, '"': 34, "\\": 92 };

/**
 * The files of a patch as `git diff` prints it with the prefixes `a/` and `b/`. Nothing throws: what is no patch is passed over,
 * and one that is cut ends where it is cut. What the lines of a file say is never taken for a header: a hunk says how many there are.
 */
export function parsePatch(patch: string): FilePatch[] {
  const lines = patch.split("\n");
  const files: FilePatch[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? "";
    if (line.startsWith("diff --git ")) files.push(begun(line.slice(11)));
    else if (line.startsWith("diff --cc ")) files.push({ ...begun(""), path: unquoted(line.slice(10)) });
    const file = files.at(-1);
    const hunk = file && HUNK.exec(line);
    if (hunk) at = takeHunk(file, hunk, lines, at + 1);
    else {
      if (file) takeHeader(file, line);
      at += 1;
    }
  }
  return files;
}

function begun(names: string): FilePatch {
  return { path: samePath(names), original: null, change: "modified", binary: false, oldMode: null, newMode: null, hunks: [] };
}

/** The path of `a/PATH b/PATH`. Where the two differ, other headers tell them. */
function samePath(names: string): string {
  if (names.startsWith('"')) return unquoted(names.slice(0, closing(names) + 1)).slice(2);
  const half = names.slice(2, (names.length - 1) / 2);
  return names === `a/${half} b/${half}` ? half : "";
}

/** Where the quote that begins `text` is closed. */
function closing(text: string): number {
  for (let at = 1; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === '"') return at;
  }
  return text.length - 1;
}

function takeHeader(file: FilePatch, line: string): void {
  const [, key, value = ""] =
    /^(old mode|new mode|deleted file mode|new file mode|rename from|rename to|copy from|copy to|---|\+\+\+) (.*)$/.exec(
      line,
    ) ?? [];
  switch (key) {
    case "old mode":
      file.oldMode = value;
      break;
    case "new mode":
      file.newMode = value;
      break;
    case "deleted file mode":
      file.change = "deleted";
      break;
    case "new file mode":
      file.change = "added";
      break;
    case "rename from":
    case "copy from":
      file.original = unquoted(value);
      file.change = key === "copy from" ? "copied" : "renamed";
      break;
    case "rename to":
    case "copy to":
      file.path = unquoted(value);
      break;
    case "---":
    case "+++":
      takeName(file, value);
      break;
    default:
      if (line.startsWith("Binary files ") || line === "GIT binary patch") file.binary = true;
  }
}

/** `--- a/PATH`; a TAB ends a name that has spaces. */
function takeName(file: FilePatch, value: string): void {
  const name = unquoted(value.replace(/\t$/, ""));
  if (file.path === "" && name !== "/dev/null") file.path = name.slice(2);
}

/** Read the hunk whose lines begin at `at`. Answers where it ends. */
function takeHunk(file: FilePatch, head: RegExpExecArray, lines: readonly string[], at: number): number {
  const [header, oldStart, oldCount = "1", newStart, newCount = "1"] = head;
  const hunk: Hunk = { header, lines: [] };
  let [old, now] = [Number(oldStart), Number(newStart)];
  const [oldEnd, newEnd] = [old + Number(oldCount), now + Number(newCount)];
  let next = at;
  for (; next < lines.length; next += 1) {
    const line = lines[next] ?? "";
    if (line.startsWith("\\")) {
      hunk.lines.push({ kind: hunk.lines.at(-1)?.kind ?? "same", text: NO_NEWLINE, old: null, new: null });
      continue;
    }
    if (old >= oldEnd && now >= newEnd) break;
    const kind = KINDS[line.slice(0, 1)];
    if (kind === undefined) break;
    hunk.lines.push({
      kind,
      text: line.slice(1),
      old: kind === "added" ? null : old++,
      new: kind === "removed" ? null : now++,
    });
  }
  file.hunks.push(hunk);
  return next;
}

/** A name as git writes it: in quotes and with the bytes of its characters escaped, where it has special ones. */
function unquoted(text: string): string {
  if (!text.startsWith('"') || !text.endsWith('"') || text.length < 2) return text;
  const inside = new TextEncoder().encode(text.slice(1, -1));
  const bytes: number[] = [];
  for (let at = 0; at < inside.length; at += 1) {
    const byte = inside[at] ?? 0;
    if (byte !== 92) {
      bytes.push(byte);
      continue;
    }
    const octal = /^[0-3][0-7]{2}/.exec(String.fromCharCode(...inside.subarray(at + 1, at + 4)))?.[0];
    const plain = String.fromCharCode(inside[at + 1] ?? 92);
    bytes.push(octal === undefined ? (ESCAPES[plain] ?? plain.charCodeAt(0)) : Number.parseInt(octal, 8));
    at += octal === undefined ? 1 : 3;
  }
  return shown(new Uint8Array(bytes));
}

/** UTF-8, with each byte that is none of it as the API shows it: 0x80 is U+EF80. */
function shown(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return pieces(bytes);
  }
}

function pieces(bytes: Uint8Array): string {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const length = [1, 2, 3, 4].find((size) => {
      try {
        return at + size <= bytes.length && decoder.decode(bytes.subarray(at, at + size)).length > 0;
      } catch {
        return false;
      }
    });
    text +=
      length === undefined ? String.fromCharCode(0xef00 + (bytes[at] ?? 0)) : decoder.decode(bytes.subarray(at, at + length));
    at += length ?? 1;
  }
  return text;
}
