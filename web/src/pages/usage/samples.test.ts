import { expect, test } from "vitest";
import { load, type Sample, withSample } from "./samples";

function sample(at: number, cpu: number): Sample {
  const counts = { processes: 1, threads: 1, memory: 1, terminals: 0, turns: 0, partial: false };
  const limits = { processesLimit: null, openFilesLimit: null, disk: null, diskLimit: null, diskTotal: null, diskFree: null };
  return { at, figures: { running: true, cpu, ...counts, ...limits } };
}

test("the load is the processors that were busy between two looks", () => {
  expect(load([sample(0, 10), sample(5000, 15), sample(7000, 19)])).toEqual([1, 2]);
});

test("processes that have ended make no negative load", () => {
  expect(load([sample(0, 10), sample(5000, 4)])).toEqual([0]);
});

test("one look has no load yet", () => {
  expect(load([sample(0, 10)])).toEqual([]);
});

test("only the last five minutes are kept", () => {
  let samples: readonly Sample[] = [];
  for (let look = 0; look < 100; look += 1) samples = withSample(samples, sample(look * 5000, look));
  expect(samples).toHaveLength(60);
  expect(samples.at(-1)?.at).toBe(99 * 5000);
});

test("after a pause the lines begin anew", () => {
  expect(withSample([sample(0, 1), sample(5000, 1)], sample(60_000, 9))).toEqual([sample(60_000, 9)]);
});
