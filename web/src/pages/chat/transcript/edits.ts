import type { Hunk } from "#/diff/hunk";
import { diffLines } from "#/diff/lines";
import { parsePatch } from "#/diff/patch";

/** What a tool changes in a file. */
export interface Edit {
  path: string;
  hunks: readonly Hunk[];
}

type Fields = Readonly<Record<string, unknown>>;

const PATH = ["file_path", "filePath", "notebook_path", "path"];
const BEFORE = ["old_string", "oldString", "oldText", "old_text"];
const AFTER = ["new_string", "newString", "newText", "new_text", "new_source"];
const PATCH = ["unified_diff", "unifiedDiff"];

/** The edits that a tool's input asks for, in the words of any of the agents; none where it asks for something else. */
export function editsOf(input: unknown): Edit[] {
  if (!isFields(input)) return [];
  if (isFields(input["changes"])) return Object.entries(input["changes"]).flatMap(([path, change]) => changed(path, change));
  const path = text(input, PATH);
  if (path === null) return [];
  const parts = Array.isArray(input["edits"]) ? input["edits"].filter(isFields) : [input];
  const hunks = parts.flatMap(replaced);
  return hunks.length > 0 ? [{ path, hunks }] : [];
}

/** What an input of edits says that they do not show: it is to be shown beside them. */
export function besides(input: Fields): Fields {
  const { changes, edits } = input;
  const shown = new Set<string | undefined>([first(input, PATH)]);
  if (isFields(changes)) {
    shown.clear();
    if (Object.values(changes).every(isShown)) shown.add("changes");
  } else if (Array.isArray(edits)) {
    if (edits.every((edit) => isFields(edit) && Object.keys(edit).every((name) => placed(edit).includes(name))))
      shown.add("edits");
  } else for (const name of placed(input)) shown.add(name);
  return Object.fromEntries(Object.entries(input).filter(([name, value]) => value !== null && !shown.has(name)));
}

/** Whether a diff says all of a change of Codex's. */
function isShown(change: unknown): boolean {
  if (!isFields(change)) return false;
  const inner = Object.values(change)[0];
  if (isFields(inner)) return Object.keys(change).length === 1 && isShown(inner);
  const text = first(change, PATCH) ?? "content";
  return Object.entries(change).every(([name, value]) => value === null || name === "type" || name === text);
}

/** The fields of which `replaced` makes a diff. */
function placed(fields: Fields): (string | undefined)[] {
  const after = first(fields, AFTER);
  return after === undefined ? ["content"] : [first(fields, BEFORE), after];
}

/** Lines that the edits add, and lines that they take away. */
export function sizeOf(edits: readonly Edit[]): { added: number; removed: number } {
  const lines = edits.flatMap((edit) => edit.hunks.flatMap((hunk) => hunk.lines));
  const of = (kind: string) => lines.filter((line) => line.kind === kind).length;
  return { added: of("added"), removed: of("removed") };
}

/** Claude Code, Gemini CLI and OpenCode: a text and what is put in its place, or the whole of a new file. */
function replaced(fields: Fields): Hunk[] {
  const before = text(fields, BEFORE);
  const after = text(fields, AFTER);
  if (after !== null) return placeless(diffLines(before ?? "", after));
  const content = text(fields, ["content"]);
  return content === null ? [] : diffLines("", content);
}

/** Codex: a new file, one that goes, or a patch of one. */
function changed(path: string, change: unknown): Edit[] {
  if (!isFields(change)) return [];
  const kind = text(change, ["type"]) ?? Object.keys(change)[0];
  const inner = kind === undefined ? undefined : change[kind];
  const fields = isFields(inner) ? inner : change;
  const patch = text(fields, PATCH);
  if (patch !== null) {
    return parsePatch(`diff --git a/file b/file\n${patch}`).map(({ hunks }) => ({ path, hunks }));
  }
  const content = text(fields, ["content"]) ?? "";
  return [{ path, hunks: kind === "delete" ? diffLines(content, "") : diffLines("", content) }];
}

/** Where in the file a text stands is not known: the numbers would say something else. */
function placeless(hunks: readonly Hunk[]): Hunk[] {
  return hunks.map(({ lines }) => ({ header: "", lines: lines.map((line) => ({ ...line, old: null, new: null })) }));
}

/** The first of these fields that is a text. */
function first(fields: Fields, names: readonly string[]): string | undefined {
  return names.find((name) => typeof fields[name] === "string");
}

function text(fields: Fields, names: readonly string[]): string | null {
  const name = first(fields, names);
  const found = name === undefined ? null : fields[name];
  return typeof found === "string" ? found : null;
}

/** Whether it is an object of JSON. */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
