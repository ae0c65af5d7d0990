import { type Layout, NOTHING, type Tab, type Tree } from "./layout";

/** What this browser remembers of a session's terminals. */
export interface Stored {
  layout: Layout;
  /** The names that people gave, by terminal. */
  names: Readonly<Record<string, string>>;
}

const DEPTH_MAX = 16;

/** What is remembered of a session; nothing when it cannot be read. */
export function recall(sessionId: string): Stored {
  let found: unknown;
  try {
    found = JSON.parse(localStorage.getItem(keyOf(sessionId)) ?? "null");
  } catch {
    found = null;
  }
  return isStored(found) ? found : { layout: NOTHING, names: {} };
}

/** Remember it, where the browser lets the page. */
export function remember(sessionId: string, stored: Stored): void {
  try {
    localStorage.setItem(keyOf(sessionId), JSON.stringify(stored));
  } catch {
    // It is full, or switched off: the layout is good until the page is left.
  }
}

function keyOf(sessionId: string): string {
  return `hostel.terminals.${sessionId}`;
}

function isStored(value: unknown): value is Stored {
  return isObject(value) && "layout" in value && isLayout(value.layout) && "names" in value && isNames(value.names);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isNames(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((name) => typeof name === "string");
}

function isLayout(value: unknown): value is Layout {
  if (!isObject(value) || !("tabs" in value) || !("shown" in value)) return false;
  const { tabs, shown } = value;
  if (!Array.isArray(tabs) || !tabs.every(isTab)) return false;
  return typeof shown === "number" && Number.isInteger(shown) && shown >= 0 && (shown === 0 || shown < tabs.length);
}

function isTab(value: unknown): value is Tab {
  if (!isObject(value) || !("tree" in value) || !("focused" in value)) return false;
  return isTree(value.tree, 0) && typeof value.focused === "string";
}

function isTree(value: unknown, depth: number): value is Tree {
  if (typeof value === "string") return true;
  if (depth > DEPTH_MAX || !isObject(value) || !("direction" in value) || !("first" in value) || !("second" in value))
    return false;
  if (value.direction !== "row" && value.direction !== "column") return false;
  return isTree(value.first, depth + 1) && isTree(value.second, depth + 1);
}
