import { Text } from "@mantine/core";
import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

/** One clock for the whole page; it stands still while nobody looks at it. */
function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const told of [...listeners]) told();
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** The time in milliseconds since the epoch, told once every `step` seconds. */
export function useNow(step = 1): number {
  return useSyncExternalStore(subscribe, () => {
    if (timer === undefined) now = Date.now();
    return Math.floor(now / (step * 1000)) * step * 1000;
  });
}

const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
const ABSOLUTE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** "3 min. ago", "in 2 hr.", "now". */
export function relative(at: number, from: number): string {
  const seconds = (at - from) / 1000;
  for (const [unit, size] of UNITS) if (Math.abs(seconds) >= size) return RELATIVE.format(Math.round(seconds / size), unit);
  return "now";
}

/** "1 h 05 min", "4 min 30 s", "12 s": what is left, in seconds. */
export function left(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  if (hours >= 24) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${String(minutes).padStart(2, "0")} min`;
  if (minutes >= 10) return `${minutes} min`;
  if (minutes > 0) return `${minutes} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${whole} s`;
}

/** The full date and time, in the reader's own way. */
export function absolute(at: string): string {
  return ABSOLUTE.format(new Date(at));
}

/** How long ago, and the exact time for who points at it. */
export function Ago({ at }: { at: string }) {
  const from = useNow(30);
  return (
    <time dateTime={at} title={absolute(at)}>
      {relative(new Date(at).getTime(), from)}
    </time>
  );
}

/** What is left until `at`; it calls for attention when it is little. */
export function Countdown({ at }: { at: string }) {
  const seconds = (new Date(at).getTime() - useNow()) / 1000;
  return (
    <Text span inherit {...(seconds < 300 && { c: "var(--attention)", fw: 600 })} className="numbers">
      <time dateTime={at}>{left(seconds)}</time>
    </Text>
  );
}
