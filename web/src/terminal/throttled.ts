/** `act`, at most once in so many milliseconds, with the latest arguments: at the end of each such time. */
export function throttled<A extends unknown[]>(milliseconds: number, act: (...args: A) => void): (...args: A) => void {
  let latest: A | null = null;
  return (...args) => {
    if (latest === null) {
      setTimeout(() => {
        const given = latest;
        latest = null;
        if (given !== null) {
          act(...given);
        }
      }, milliseconds);
    }
    latest = args;
  };
}
