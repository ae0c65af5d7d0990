/** How the terminals of a session are arranged: tabs, and in each a tree of splits with terminals as leaves. */
export type Tree = string | { direction: "row" | "column"; first: Tree; second: Tree };

export interface Tab {
  tree: Tree;
  /** The terminal in it that has the keys. */
  focused: string;
}

export interface Layout {
  tabs: readonly Tab[];
  /** The index of the tab that is shown; 0 when there is none. */
  shown: number;
}

/** A place in the stage, each number a share of it from 0 to 1. */
export interface Place {
  left: number;
  top: number;
  width: number;
  height: number;
}

export const NOTHING: Layout = { tabs: [], shown: 0 };
const WHOLE: Place = { left: 0, top: 0, width: 1, height: 1 };

/** The terminals of a tree, from the left and the top. */
export function leaves(tree: Tree): string[] {
  return typeof tree === "string" ? [tree] : [...leaves(tree.first), ...leaves(tree.second)];
}

/** The terminal that has the keys, if there is any. */
export function focusedIn(layout: Layout): string | null {
  return layout.tabs[layout.shown]?.focused ?? null;
}

/** With one more tab, which is shown. */
export function opened(layout: Layout, terminal: string): Layout {
  const { tabs } = closed(layout, terminal);
  return { tabs: [...tabs, { tree: terminal, focused: terminal }], shown: tabs.length };
}

/** With `terminal` beside or below that which has the keys, or in a tab of its own where there is none. */
export function split(layout: Layout, direction: "row" | "column", terminal: string): Layout {
  const before = closed(layout, terminal);
  const at = focusedIn(before);
  if (at === null) return opened(before, terminal);
  const tabs = before.tabs.map((tab, index) =>
    index === before.shown
      ? { tree: replaced(tab.tree, at, { direction, first: at, second: terminal }), focused: terminal }
      : tab,
  );
  return { ...before, tabs };
}

/** Without `terminal`. What was beside it takes its place. */
export function closed(layout: Layout, terminal: string): Layout {
  const tabs: Tab[] = [];
  let { shown } = layout;
  layout.tabs.forEach((tab, index) => {
    const tree = without(tab.tree, terminal);
    if (tree !== null) tabs.push({ tree, focused: tab.focused === terminal ? beside(tab.tree, terminal, tree) : tab.focused });
    else if (index < layout.shown) shown -= 1;
  });
  return { tabs, shown: Math.max(0, Math.min(shown, tabs.length - 1)) };
}

/** With `terminal`, which took the place of `former`. */
export function exchanged(layout: Layout, former: string, terminal: string): Layout {
  const tabs = layout.tabs.map((tab) => ({
    tree: replaced(tab.tree, former, terminal),
    focused: tab.focused === former ? terminal : tab.focused,
  }));
  return { ...layout, tabs };
}

/** With the keys at `terminal`, in whatever tab it is. */
export function focused(layout: Layout, terminal: string): Layout {
  const shown = layout.tabs.findIndex((tab) => leaves(tab.tree).includes(terminal));
  if (shown < 0 || focusedIn(layout) === terminal) return layout;
  return { tabs: layout.tabs.map((tab, index) => (index === shown ? { ...tab, focused: terminal } : tab)), shown };
}

/** With another tab shown: so many to the right, around the end. */
export function turned(layout: Layout, by: number): Layout {
  const count = layout.tabs.length;
  return count === 0 ? layout : { ...layout, shown: (layout.shown + by + count) % count };
}

/** With the keys at the next terminal of the same tab, or at the one before. */
export function moved(layout: Layout, by: 1 | -1): Layout {
  const tab = layout.tabs[layout.shown];
  if (tab === undefined) return layout;
  const all = leaves(tab.tree);
  const next = all.at((all.indexOf(tab.focused) + by) % all.length);
  return next === undefined ? layout : focused(layout, next);
}

/** As it is with the terminals that there are: those that are gone leave, those that are new get a tab each. */
export function reconciled(layout: Layout, there: readonly string[]): Layout {
  const known = layout.tabs.flatMap((tab) => leaves(tab.tree));
  const gone = known.filter((terminal) => !there.includes(terminal));
  const fresh = there.filter((terminal) => !known.includes(terminal));
  if (gone.length === 0 && fresh.length === 0) return layout;
  const left = gone.reduce(closed, layout);
  const tabs = [...left.tabs, ...fresh.map((terminal) => ({ tree: terminal, focused: terminal }))];
  return { tabs, shown: left.shown };
}

/** Where each terminal of a tab is. */
export function places(tree: Tree, place: Place = WHOLE): ReadonlyMap<string, Place> {
  if (typeof tree === "string") return new Map([[tree, place]]);
  const { left, top, width, height } = place;
  const across = tree.direction === "row";
  const half = across ? { ...place, width: width / 2 } : { ...place, height: height / 2 };
  const rest = across ? { ...half, left: left + width / 2 } : { ...half, top: top + height / 2 };
  return new Map([...places(tree.first, half), ...places(tree.second, rest)]);
}

function replaced(tree: Tree, former: string, next: Tree): Tree {
  if (typeof tree === "string") return tree === former ? next : tree;
  return { ...tree, first: replaced(tree.first, former, next), second: replaced(tree.second, former, next) };
}

function without(tree: Tree, terminal: string): Tree | null {
  if (typeof tree === "string") return tree === terminal ? null : tree;
  const first = without(tree.first, terminal);
  const second = without(tree.second, terminal);
  if (first === null || second === null) return first ?? second;
  return { ...tree, first, second };
}

/** The terminal of `rest` that comes next to `terminal` in `tree`. */
function beside(tree: Tree, terminal: string, rest: Tree): string {
  const all = leaves(tree);
  const at = all.indexOf(terminal);
  return all[at + 1] ?? all[at - 1] ?? leaves(rest)[0] ?? terminal;
}
