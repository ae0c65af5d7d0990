/**
 * What people have typed and not sent yet is kept in the browser under names that begin so. Whoever uses the browser next sees
 * nothing of it: it goes when they sign out, in all tabs. How a page looks, under `hostel.` alone, stays.
 */
const PREFIX = "hostel.work.";
/** What tells the other tabs, whose own storage is out of reach. */
const END = `${PREFIX}end`;
const forgets = new Set<() => void>();

/** The name under which somebody's work is kept. */
export function workKey(name: string): string {
  return PREFIX + name;
}

/** `forget` drops what a module has in memory of what it keeps. */
export function onForgotten(forget: () => void): void {
  forgets.add(forget);
}

/** Forget all work, here and in the other tabs. */
export function forgetWork(): void {
  clear();
  try {
    localStorage.setItem(END, "");
    localStorage.removeItem(END);
  } catch {
    // There is no storage, and so nothing that other tabs would share.
  }
}

function clear(): void {
  for (const storage of [localStorage, sessionStorage])
    for (const key of Object.keys(storage)) if (key.startsWith(PREFIX)) storage.removeItem(key);
  for (const forget of forgets) forget();
}

addEventListener("storage", ({ key, newValue }) => {
  if (key === END && newValue !== null) clear();
});
