import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { serve } from "./fakeserver";
import { Seen } from "./seen";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("print" as const), count: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("deliver" as const), count: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("draw" as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("accept" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("end" as const), code: fc.constantFrom(1001, 1006, 1011, 1012, 1013) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("wake" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("wait" as const), for: fc.integer({ min: 0, max: 30_000 }) }) },
);

test("whatever breaks and comes back, no byte is lost or doubled, but for those that the ring has dropped", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.constantFrom(50, 1_000_000), async (steps, ring) => {
      const server = serve();
      server.ring = ring;
      const seen = new Seen();
      seen.connection.open();
      await vi.advanceTimersByTimeAsync(0);
      for (const now of steps) {
        switch (now.do) {
          case "print":
            server.print(...Array.from({ length: now.count }, (_, at) => (server.printed.length + at) % 251));
            break;
          case "deliver":
            // A viewer that the ring has overtaken is sent away.
            if (server.last.readyState === 1 && server.last.cursor < server.oldest) server.last.end(1013);
            else server.deliver(now.count);
            break;
          case "draw":
            seen.draw();
            break;
          case "accept":
            if (server.last.readyState === 0) server.accept();
            break;
          case "end":
            server.last.end(now.code);
            break;
          case "wake":
            seen.connection.wake();
            break;
          case "wait":
            await vi.advanceTimersByTimeAsync(now.for);
        }
        await vi.advanceTimersByTimeAsync(0);
      }
      const told = () => (server.first ?? 0) + seen.output.length + seen.lost;
      for (let tries = 0; tries < 200 && told() < server.printed.length; tries += 1) {
        if (seen.connection.state.name === "failed") seen.connection.wake();
        await vi.advanceTimersByTimeAsync(500);
        if (server.last.readyState === 0) server.accept();
        if (server.last.cursor < server.oldest) server.last.end(1013);
        else server.deliver(1000);
        seen.draw();
      }
      expect(told()).toBe(server.printed.length);
      if (ring > 1000) expect(seen.output).toEqual(server.printed);
      else expect(isSubsequence(seen.output, server.printed)).toBe(true);
      seen.connection.close();
    }),
    { numRuns: 150 },
  );
});

function isSubsequence(some: number[], all: number[]): boolean {
  let at = 0;
  for (const value of all) {
    if (some[at] === value) at += 1;
  }
  return at === some.length;
}
