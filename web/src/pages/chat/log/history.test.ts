import fc from "fast-check";
import { expect, test } from "vitest";
import { message } from "./fake";
import { history, type ReadPage } from "./history";
import type { Logged } from "./turn";

/** A server whose pages are as long as `cut` says, and that answers the later of several questions first. */
function server(length: number, cut: (limit: number) => number) {
  const asked: number[] = [];
  const read: ReadPage = async (after, limit) => {
    asked.push(limit);
    for (let turn = 0; turn < 20 - asked.length; turn += 1) await Promise.resolve();
    const count = Math.min(length - after, Math.max(1, cut(limit)));
    return { items: Array.from({ length: count }, (_, at) => message(after + at + 1)), last: length };
  };
  return { read, asked };
}

async function whole(read: ReadPage, after: number): Promise<number[]> {
  const events: Logged[] = [];
  for await (const some of history(read, after)) events.push(...some);
  return events.map(({ seq }) => seq);
}

test("a log is read whole and in order, from any place on, however short its pages are", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(6_000), fc.nat(6_000), fc.integer({ min: 40, max: 700 }), async (length, from, size) => {
      const after = Math.min(from, length);
      const seqs = await whole(server(length, (limit) => Math.min(limit, size)).read, after);
      expect(seqs).toEqual(Array.from({ length: length - after }, (_, at) => after + at + 1));
    }),
    { numRuns: 40 },
  );
});

test("5,000 events are ten pages, of which no more than four are asked for at once", async () => {
  const { read, asked } = server(5_000, (limit) => limit);
  let [open, most] = [0, 0];
  const counted: ReadPage = async (after, limit) => {
    open += 1;
    most = Math.max(most, open);
    const page = await read(after, limit);
    open -= 1;
    return page;
  };
  expect(await whole(counted, 0)).toHaveLength(5_000);
  expect(asked).toHaveLength(10);
  expect(most).toBe(4);
});

test("a log that has become shorter meanwhile is read as far as it goes", async () => {
  const read: ReadPage = async (after) => ({ items: after === 0 ? [message(1)] : [], last: 9 });
  expect(await whole(read, 0)).toEqual([1]);
});
