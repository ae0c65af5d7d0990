import type { Hunk } from "./hunk";

/** A line of one side; null where the other side has one more. */
export type Row = Hunk["lines"][number] | null;

/** A hunk as two columns of the same height: what was removed stands beside what came in its place. */
export function sides(hunk: Hunk): [old: Row[], now: Row[]] {
  const old: Row[] = [];
  const now: Row[] = [];
  const level = () => {
    const height = Math.max(old.length, now.length);
    for (const side of [old, now]) while (side.length < height) side.push(null);
  };
  for (const line of hunk.lines) {
    if (line.kind !== "added") {
      if (line.kind === "same" || now.length > old.length) level();
      old.push(line);
    }
    if (line.kind !== "removed") now.push(line);
  }
  level();
  return [old, now];
}
