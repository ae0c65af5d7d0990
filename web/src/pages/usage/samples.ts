import type { FiguresView } from "#/api/schema";

/** Figures, and when they were had: milliseconds since the epoch. */
export interface Sample {
  at: number;
  figures: FiguresView;
}

/** Five minutes at one look in five seconds. */
const KEPT = 60;
/** Milliseconds without a look after which the lines begin anew: the page was hidden. */
const GAP = 30_000;

/** The samples with one more. */
export function withSample(samples: readonly Sample[], next: Sample): readonly Sample[] {
  const last = samples.at(-1);
  if (last === undefined || next.at - last.at > GAP) return [next];
  return [...samples, next].slice(-KEPT);
}

/** Of each sample but the first, how many processors were busy since the one before. */
export function load(samples: readonly Sample[]): number[] {
  return samples.slice(1).map((sample, index) => {
    const before = samples[index] ?? sample;
    const seconds = (sample.at - before.at) / 1000;
    // What has ended takes its seconds along.
    return seconds > 0 ? Math.max(0, sample.figures.cpu - before.figures.cpu) / seconds : 0;
  });
}
