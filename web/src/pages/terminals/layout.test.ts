import fc from "fast-check";
import { expect, test } from "vitest";
import {
  closed,
  exchanged,
  focused,
  focusedIn,
  type Layout,
  leaves,
  moved,
  NOTHING,
  opened,
  places,
  reconciled,
  split,
  turned,
} from "./layout";
import { recall, remember } from "./stored";

function all(layout: Layout): string[] {
  return layout.tabs.flatMap((tab) => leaves(tab.tree));
}

test("a split is beside what had the keys, and takes them", () => {
  const layout = split(split(opened(NOTHING, "a"), "row", "b"), "column", "c");
  expect(layout.tabs).toHaveLength(1);
  expect(focusedIn(layout)).toBe("c");
  expect(Object.fromEntries(places(layout.tabs[0]?.tree ?? ""))).toEqual({
    a: { left: 0, top: 0, width: 0.5, height: 1 },
    b: { left: 0.5, top: 0, width: 0.5, height: 0.5 },
    c: { left: 0.5, top: 0.5, width: 0.5, height: 0.5 },
  });
});

test("what was beside a closed terminal takes its place and its keys", () => {
  const layout = closed(split(opened(NOTHING, "a"), "row", "b"), "b");
  expect(layout).toEqual({ tabs: [{ tree: "a", focused: "a" }], shown: 0 });
  expect(closed(layout, "a")).toEqual(NOTHING);
});

test("the tab that is shown stays so when one before it is closed", () => {
  const layout = closed(opened(opened(opened(NOTHING, "a"), "b"), "c"), "a");
  expect(focusedIn(layout)).toBe("c");
});

test("tabs and splits are walked around the end", () => {
  const layout = opened(split(opened(NOTHING, "a"), "row", "b"), "c");
  expect(focusedIn(turned(layout, 1))).toBe("b");
  expect(focusedIn(moved(turned(layout, 1), 1))).toBe("a");
  expect(focusedIn(moved(turned(layout, 1), -1))).toBe("a");
});

test("a terminal that was started again is where the former was", () => {
  const layout = exchanged(split(opened(NOTHING, "a"), "row", "b"), "b", "c");
  expect(all(layout)).toEqual(["a", "c"]);
  expect(focusedIn(layout)).toBe("c");
});

test("what this browser remembers is what it was told, and nonsense is nothing", () => {
  const stored = { layout: split(opened(NOTHING, "a"), "row", "b"), names: { a: "server" } };
  remember("s1", stored);
  expect(recall("s1")).toEqual(stored);
  for (const text of [
    "",
    "{",
    "7",
    '{"layout":{"tabs":[{"tree":{}}],"shown":0},"names":{}}',
    '{"layout":{"tabs":[],"shown":3},"names":{}}',
  ]) {
    localStorage.setItem("hostel.terminals.s2", text);
    expect(recall("s2")).toEqual({ layout: NOTHING, names: {} });
  }
});

const name = fc.constantFrom("a", "b", "c", "d", "e", "f");
const change = fc.oneof(
  name.map((terminal) => (layout: Layout) => opened(layout, terminal)),
  fc.tuple(name, fc.constantFrom("row" as const, "column" as const)).map(
    ([terminal, direction]) =>
      (layout: Layout) =>
        split(layout, direction, terminal),
  ),
  name.map((terminal) => (layout: Layout) => closed(layout, terminal)),
  name.map((terminal) => (layout: Layout) => focused(layout, terminal)),
  fc.integer({ min: -3, max: 3 }).map((by) => (layout: Layout) => turned(layout, by)),
  fc.constantFrom(1 as const, -1 as const).map((by) => (layout: Layout) => moved(layout, by)),
  fc.uniqueArray(name).map((there) => (layout: Layout) => reconciled(layout, there)),
);

test("whatever is done, each terminal has one place, the places fill their tab, and one terminal has the keys", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), fc.uniqueArray(name), (changes, there) => {
      const layout = changes.reduce((now, act) => act(now), NOTHING);
      expect(new Set(all(layout)).size).toBe(all(layout).length);
      expect(layout.tabs.length === 0 || layout.shown < layout.tabs.length).toBe(true);
      for (const tab of layout.tabs) {
        expect(leaves(tab.tree)).toContain(tab.focused);
        const area = [...places(tab.tree).values()].reduce((sum, { width, height }) => sum + width * height, 0);
        expect(area).toBeCloseTo(1);
      }
      expect(all(reconciled(layout, there)).sort()).toEqual([...there].sort());
    }),
  );
});
