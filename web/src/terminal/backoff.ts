const BASE = 250;
const CAP = 15_000;

/**
 * Milliseconds to wait before try number `attempt`, which counts from 0: exponential, with full jitter, so that the clients of
 * a server that comes back do not all come at once.
 */
export function backoff(attempt: number, random: () => number = Math.random): number {
  return random() * Math.min(CAP, BASE * 2 ** attempt);
}
