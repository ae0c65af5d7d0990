/** Milliseconds until try number `tries` (from 0): exponential, with full jitter, so that clients do not come back together. */
export function backoff(tries: number, base = 250, cap = 15_000, random = Math.random): number {
  return random() * Math.min(cap, base * 2 ** Math.min(tries, 30));
}

/** Resolves after `ms`, or as soon as the page is seen, shown again or online: after a sleep nobody waits for a timer. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      for (const [target, name] of WAKES) target.removeEventListener(name, woken);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const woken = () => {
      if (document.visibilityState === "visible") done();
    };
    const timer = setTimeout(done, ms);
    for (const [target, name] of WAKES) target.addEventListener(name, woken);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}

const WAKES: readonly (readonly [EventTarget, string])[] = [
  [window, "online"],
  [window, "pageshow"],
  [document, "visibilitychange"],
];
