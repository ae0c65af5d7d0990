import type { UsageRowView } from "#/api/schema";

/** By what rows are added up. */
export type Grouping = "day" | "agent" | "model" | "sessionId";

/** Rows together. Tokens: `input` holds the cached ones too. */
export interface Sum {
  key: string;
  turns: number;
  input: number;
  cacheRead: number;
  output: number;
  /** US dollars, of the turns whose cost is known. */
  cost: number;
  /** Turns whose cost is not. */
  unpriced: number;
}

/** What an agent did not say. */
export const UNNAMED = "";

function none(key: string): Sum {
  return { key, turns: 0, input: 0, cacheRead: 0, output: 0, cost: 0, unpriced: 0 };
}

/** The rows added up: days in their order, else what cost most first. */
export function sums(rows: readonly UsageRowView[], by: Grouping): Sum[] {
  const found = new Map<string, Sum>();
  for (const row of rows) {
    const key = row[by] ?? UNNAMED;
    const sum = found.get(key) ?? none(key);
    found.set(key, {
      key,
      turns: sum.turns + row.turns,
      input: sum.input + row.input,
      cacheRead: sum.cacheRead + row.cacheRead,
      output: sum.output + row.output,
      cost: sum.cost + row.cost,
      unpriced: sum.unpriced + row.unpriced,
    });
  }
  return [...found.values()].sort((a, b) => (by === "day" ? order(a.key, b.key) : b.cost - a.cost || order(a.key, b.key)));
}

function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

const DAY = 86_400_000;
/** As many bars as can be told apart. */
const BARS = 92;

/** A sum for each day of a range, both ends included, the days without use too; of a long one its last part. */
export function daily(found: readonly Sum[], since: string, until: string): Sum[] {
  const known = new Map(found.map((sum) => [sum.key, sum]));
  const last = Date.parse(until);
  const first = Math.max(Date.parse(since), last - (BARS - 1) * DAY);
  const days: Sum[] = [];
  for (let at = first; at <= last; at += DAY) {
    const day = isoDay(at);
    days.push(known.get(day) ?? none(day));
  }
  return days;
}

/** The UTC day of a time in milliseconds, as the API writes it. */
export function isoDay(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

/** A range of UTC days, both included. */
export interface Range {
  since: string;
  until: string;
}

/** The ranges that people ask for, as of the time `now`. */
export function ranges(now: number): Readonly<Record<string, Range>> {
  const today = isoDay(now);
  const [year, month] = [new Date(now).getUTCFullYear(), new Date(now).getUTCMonth()];
  return {
    "This month": { since: isoDay(Date.UTC(year, month, 1)), until: today },
    "Last month": { since: isoDay(Date.UTC(year, month - 1, 1)), until: isoDay(Date.UTC(year, month, 0)) },
    "Last 7 days": { since: isoDay(now - 6 * DAY), until: today },
    "Last 90 days": { since: isoDay(now - 89 * DAY), until: today },
  };
}
