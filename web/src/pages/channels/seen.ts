import { useSyncExternalStore } from "react";
import { Store } from "#/api/store";
import { onForgotten, workKey } from "#/api/work";

const KEY = workKey("seen");

/** The number of the last message that was seen in this browser, by channel. */
const seen = new Store<Readonly<Record<string, number>>>(load());
onForgotten(() => seen.set({}));

function load(): Record<string, number> {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    if (typeof found !== "object" || found === null) return {};
    return Object.fromEntries(Object.entries(found).filter((entry): entry is [string, number] => Number.isInteger(entry[1])));
  } catch {
    return {};
  }
}

/** How far each channel was read. */
export function useSeen(): Readonly<Record<string, number>> {
  return useSyncExternalStore(seen.subscribe, seen.get);
}

/** How far a channel was read; 0 when never. */
export function seenIn(channelId: string): number {
  return seen.get()[channelId] ?? 0;
}

/** A channel was read up to message `number`. */
export function markSeen(channelId: string, number: number): void {
  if (number <= seenIn(channelId)) return;
  seen.set({ ...seen.get(), [channelId]: number });
  try {
    localStorage.setItem(KEY, JSON.stringify(seen.get()));
  } catch {
    // Without room in the browser's storage the marks last as long as the page.
  }
}
