import type { Hunk } from "./hunk";

type Line = Hunk["lines"][number];

/** Changed lines up to which the shortest difference is looked for; beyond, all that differs is shown as replaced. */
const CHANGES_MAX = 600;

/** What `after` has other than `before`, line by line, with `context` lines around it. Nothing when they are equal. */
export function diffLines(before: string, after: string, context = 3): Hunk[] {
  return hunks(compared(split(before), split(after)), context);
}

/** A last line that has no end is a line; nothing after the last end is none. */
function split(text: string): string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/** All lines of both texts, in order. */
function compared(before: readonly string[], after: readonly string[]): Line[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let [oldEnd, newEnd] = [before.length, after.length];
  while (oldEnd > start && newEnd > start && before[oldEnd - 1] === after[newEnd - 1]) {
    oldEnd -= 1;
    newEnd -= 1;
  }
  const middle = shortest(before.slice(start, oldEnd), after.slice(start, newEnd));
  const kinds = [
    ...Array<Line["kind"]>(start).fill("same"),
    ...middle,
    ...Array<Line["kind"]>(before.length - oldEnd).fill("same"),
  ];
  let [old, fresh] = [0, 0];
  return kinds.map((kind) => {
    if (kind === "removed") return { kind, text: before[old] ?? "", old: ++old, new: null };
    if (kind === "added") return { kind, text: after[fresh] ?? "", old: null, new: ++fresh };
    return { kind, text: after[fresh] ?? "", old: ++old, new: ++fresh };
  });
}

/** Eugene W. Myers, "An O(ND) difference algorithm and its variations" (1986): the greedy form, with its traces kept. */
function shortest(before: readonly string[], after: readonly string[]): Line["kind"][] {
  const reach = Math.min(before.length + after.length, CHANGES_MAX);
  const furthest = new Map<number, number>();
  const traces: Map<number, number>[] = [];
  for (let changes = 0; changes <= reach; changes += 1) {
    traces.push(new Map(furthest));
    for (let diagonal = -changes; diagonal <= changes; diagonal += 2) {
      let x = changes === 0 ? 0 : step(furthest, diagonal, changes);
      while (x < before.length && x - diagonal < after.length && before[x] === after[x - diagonal]) x += 1;
      furthest.set(diagonal, x);
      if (x >= before.length && x - diagonal >= after.length) return traced(traces, before.length, after.length);
    }
  }
  return [...before.map(() => "removed" as const), ...after.map(() => "added" as const)];
}

/** Whether a path of so many changes comes to a diagonal by adding a line, from the diagonal above, and not by removing one. */
function isAdding(furthest: ReadonlyMap<number, number>, diagonal: number, changes: number): boolean {
  if (diagonal === -changes) return true;
  return diagonal !== changes && (furthest.get(diagonal - 1) ?? -1) < (furthest.get(diagonal + 1) ?? -1);
}

/** Where it then begins on the diagonal. */
function step(furthest: ReadonlyMap<number, number>, diagonal: number, changes: number): number {
  if (isAdding(furthest, diagonal, changes)) return furthest.get(diagonal + 1) ?? 0;
  return (furthest.get(diagonal - 1) ?? 0) + 1;
}

/** The way back through the traces, turned around. */
function traced(traces: readonly ReadonlyMap<number, number>[], oldLength: number, newLength: number): Line["kind"][] {
  const kinds: Line["kind"][] = [];
  let [x, y] = [oldLength, newLength];
  for (const [changes, furthest] of [...traces.entries()].reverse()) {
    if (changes === 0) break;
    const begin = step(furthest, x - y, changes);
    const adding = isAdding(furthest, x - y, changes);
    for (; x > begin; x -= 1, y -= 1) kinds.push("same");
    kinds.push(adding ? "added" : "removed");
    if (adding) y -= 1;
    else x -= 1;
  }
  for (; x > 0; x -= 1) kinds.push("same");
  return kinds.reverse();
}

/** The parts of a difference in which something changes. */
function hunks(lines: readonly Line[], context: number): Hunk[] {
  const found: Hunk[] = [];
  let end = 0;
  for (let at = 0; at < lines.length; at += 1) {
    if (lines[at]?.kind === "same" || at < end) continue;
    const start = Math.max(at - context, end);
    end = at + 1;
    for (let next = at; next < Math.min(lines.length, end + 2 * context + 1); next += 1) {
      if (lines[next]?.kind !== "same") end = next + 1;
    }
    end = Math.min(lines.length, end + context);
    found.push(hunk(lines.slice(start, end)));
  }
  return found;
}

function hunk(lines: Line[]): Hunk {
  const old = lines.flatMap((line) => line.old ?? []);
  const fresh = lines.flatMap((line) => line.new ?? []);
  return { header: `@@ -${range(old)} +${range(fresh)} @@`, lines };
}

function range(numbers: readonly number[]): string {
  return `${numbers[0] ?? 0},${numbers.length}`;
}
