import type { LogPage } from "#/api/schema";
import type { Logged } from "./turn";

/** Asks for at most `limit` events that follow number `after`. Throws an ApiError. */
export type ReadPage = (after: number, limit: number) => Promise<LogPage>;

/** Events of one page: the most that the server takes. */
const PAGE = 500;
/** Pages that are asked for at once, so that a slow network is waited for less often. */
const AT_ONCE = 4;

/** What follows event number `after` in a log that is there already, in order, up to its newest event. Throws an ApiError. */
export async function* history(read: ReadPage, after: number): AsyncGenerator<readonly Logged[]> {
  const { items, last } = await read(after, PAGE);
  yield items;
  let from = items.at(-1)?.seq ?? last;
  while (from < last) {
    const starts = Array.from({ length: AT_ONCE }, (_, at) => from + at * PAGE).filter((start) => start < last);
    const parts = await Promise.all(starts.map((start) => stretch(read, start, Math.min(start + PAGE, last))));
    yield parts.flat();
    from += AT_ONCE * PAGE;
  }
}

/** The events that follow number `after` up to number `to`: a page is shorter than asked for where its events are long. */
async function stretch(read: ReadPage, after: number, to: number): Promise<Logged[]> {
  const events: Logged[] = [];
  for (let seq = after; seq < to; ) {
    const { items } = await read(seq, to - seq);
    const last = items.at(-1);
    if (last === undefined) break;
    events.push(...items);
    seq = last.seq;
  }
  return events;
}
