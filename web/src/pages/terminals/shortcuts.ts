/** What the keys of the page do; all with Ctrl and Shift, which leaves the other keys to the programs. */
export type Action = "new" | "close" | "right" | "down" | "next-tab" | "previous-tab" | "next" | "previous";

const KEYS: Readonly<Record<string, Action>> = {
  Enter: "new",
  KeyX: "close",
  KeyD: "right",
  KeyE: "down",
  BracketRight: "next-tab",
  BracketLeft: "previous-tab",
  ArrowRight: "next",
  ArrowDown: "next",
  ArrowLeft: "previous",
  ArrowUp: "previous",
};

/** The action of a key, or null when it is not the page's. */
export function actionOf(event: {
  ctrlKey: boolean;
  shiftKey: boolean;
  altKey: boolean;
  metaKey: boolean;
  code: string;
}): Action | null {
  if (!event.ctrlKey || !event.shiftKey || event.altKey || event.metaKey) return null;
  return KEYS[event.code] ?? null;
}
