import type { EntryView } from "#/api/schema";

/** The places of the entries in which `text` is, whatever its case. */
export function findIn(entries: readonly EntryView[], text: string): readonly number[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return [];
  return entries.flatMap((entry, at) => (textOf(entry).toLowerCase().includes(wanted) ? [at] : []));
}

/** All that is shown of an entry. */
function textOf({ text, name, input, output }: EntryView): string {
  return [text, name ?? "", inputText(input), output ?? ""].join("\n");
}

/** What a tool was given, as text. */
export function inputText(input: unknown): string {
  if (input === null || input === undefined) return "";
  return typeof input === "string" ? input : JSON.stringify(input, null, 2);
}

const TELLING = ["command", "cmd", "file_path", "path", "filePath", "pattern", "query", "url", "description", "prompt"];

/** A few words about what a tool was given: its command, its file, or what else says most. */
export function hintOf(input: unknown): string {
  if (typeof input === "string") return firstLine(input);
  if (typeof input !== "object" || input === null) return "";
  const fields = new Map<string, unknown>(Object.entries(input));
  for (const name of TELLING) {
    const value = fields.get(name);
    if (typeof value === "string") return firstLine(value);
    if (Array.isArray(value)) return firstLine(value.join(" "));
  }
  return "";
}

/** The beginning of a text, on one line. */
export function firstLine(text: string): string {
  return text.trimStart().split("\n", 1)[0]?.slice(0, 200) ?? "";
}
