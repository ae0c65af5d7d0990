import type { UsageView } from "#/api/schema";
import { count, dollars } from "#/ui/format";
import type { Turn } from "../log/turn";

/** What several turns have used. */
export interface Sum {
  input: number;
  output: number;
  cached: number;
  /** US dollars, of the turns whose cost is known. */
  cost: number;
  /** Turns that used something whose cost is not known. */
  unpriced: number;
}

/** What all these turns have used up. */
export function sumOf(turns: readonly Turn[]): Sum {
  const sum: Sum = { input: 0, output: 0, cached: 0, cost: 0, unpriced: 0 };
  for (const { ended } of turns) {
    if (!ended?.usage) continue;
    sum.input += ended.usage.input;
    sum.output += ended.usage.output;
    sum.cached += ended.usage.cacheRead;
    sum.cost += ended.usage.cost ?? 0;
    if (ended.usage.cost === null) sum.unpriced += 1;
  }
  return sum;
}

/** "1.2K in (800 cached), 50 out". */
export function tokens({ input, output, cached }: Pick<Sum, "input" | "output" | "cached">): string {
  return `${count(input)} in${cached > 0 ? ` (${count(cached)} cached)` : ""}, ${count(output)} out`;
}

/** What a turn has used, in a line; null when its agent does not say. */
export function usageLine(usage: UsageView | null): string | null {
  if (usage === null) return null;
  const { input, output, cacheRead: cached, cost } = usage;
  return `${tokens({ input, output, cached })} · ${cost === null ? "no price known" : dollars(cost)}`;
}

/** What all turns have used, in a line; null when none says. */
export function sumLine(sum: Sum): string | null {
  if (sum.input + sum.output === 0) return null;
  if (sum.unpriced === 0) return `${tokens(sum)} · ${dollars(sum.cost)}`;
  return `${tokens(sum)} · ${sum.cost > 0 ? `${dollars(sum.cost)} and turns without a known price` : "no price known"}`;
}
