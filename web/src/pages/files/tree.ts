import type { FileView, StatusEntryView } from "#/api/schema";

/** What is known of a folder: its entries, that they are being read, or why they could not be. */
export interface Folder {
  entries: readonly FileView[] | undefined;
  error: unknown;
  /** Whether there are more entries than are shown. */
  more: boolean;
}

/** A line of the tree. */
export type Row =
  | { kind: "entry"; entry: FileView; level: number; open: boolean; position: number; size: number }
  | { kind: "loading" | "more"; path: string; level: number }
  | { kind: "error"; path: string; level: number; error: unknown };

const NAMES = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** Folders first, then in the order of their names, numbers as numbers. */
export function sorted(entries: readonly FileView[]): FileView[] {
  return entries.toSorted(
    (a, b) =>
      Number(b.kind === "folder") - Number(a.kind === "folder") || NAMES.compare(a.name, b.name) || (a.name < b.name ? -1 : 1),
  );
}

/** The lines that are shown: what is in `open` folders below them. */
export function rowsOf(folders: ReadonlyMap<string, Folder>, open: ReadonlySet<string>, hidden: boolean): Row[] {
  const rows: Row[] = [];
  const visit = (path: string, level: number) => {
    const folder = folders.get(path);
    if (folder?.entries === undefined) {
      rows.push(folder?.error ? { kind: "error", path, level, error: folder.error } : { kind: "loading", path, level });
      return;
    }
    const shown = hidden ? folder.entries : folder.entries.filter((entry) => !entry.name.startsWith("."));
    shown.forEach((entry, at) => {
      const opened = entry.kind === "folder" && open.has(entry.path);
      rows.push({ kind: "entry", entry, level, open: opened, position: at + 1, size: shown.length });
      if (opened) visit(entry.path, level + 1);
    });
    if (folder.more) rows.push({ kind: "more", path, level });
  };
  visit("", 1);
  return rows;
}

/** The folders above a path, from the top: "a" and "a/b" of "a/b/c". */
export function above(path: string): string[] {
  const names = path.split("/").slice(0, -1);
  return names.map((_, at) => names.slice(0, at + 1).join("/"));
}

/** The folder that a path is in; "" for the top. */
export function parentOf(path: string): string {
  return path.split("/").slice(0, -1).join("/");
}

/** What git says of a path, in a letter. */
export type Mark = "M" | "A" | "D" | "R" | "?" | "!";

/** What each mark means, for those who do not know git's letters. */
export const MARKS: Readonly<Record<Mark, { label: string; colour: string }>> = {
  M: { label: "modified", colour: "var(--modified-text)" },
  A: { label: "added", colour: "var(--added-text)" },
  D: { label: "deleted", colour: "var(--removed-text)" },
  R: { label: "renamed", colour: "var(--mantine-color-text)" },
  "?": { label: "not tracked", colour: "var(--mantine-color-dimmed)" },
  "!": { label: "in conflict", colour: "var(--removed-text)" },
};

/** The mark of an entry of a status. */
export function markOf({ conflict, staged, unstaged }: Pick<StatusEntryView, "conflict" | "staged" | "unstaged">): Mark {
  if (conflict) return "!";
  if (staged === "?") return "?";
  const letters = staged + unstaged;
  if (letters.includes("D")) return "D";
  if (letters.includes("A")) return "A";
  return letters.includes("R") || letters.includes("C") ? "R" : "M";
}

/** The marks of files, and of the folders that have marked files below them. */
export function marksOf(entries: readonly StatusEntryView[]): ReadonlyMap<string, Mark> {
  const marks = new Map<string, Mark>();
  for (const entry of entries) {
    const mark = markOf(entry);
    marks.set(entry.path, mark);
    for (const folder of above(entry.path)) {
      const before = marks.get(folder);
      marks.set(folder, before === undefined || before === mark ? mark : "M");
    }
  }
  return marks;
}
