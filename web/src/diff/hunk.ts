/** A part of a difference: lines in a row, with what is around them. */
export interface Hunk {
  header: string;
  lines: { kind: "same" | "added" | "removed"; text: string; old: number | null; new: number | null }[];
}
