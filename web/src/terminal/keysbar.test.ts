import { expect, test } from "vitest";
import { KeysBar } from "./keysbar";

/** A bar whose program wants the arrows of applications, or not, and what it has typed. */
function shown(applicationArrows = false) {
  const typed: string[] = [];
  const bar = new KeysBar(
    (text) => typed.push(text),
    () => applicationArrows,
  );
  document.body.replaceChildren(bar.element);
  const press = (name: string) => bar.element.querySelector<HTMLButtonElement>(`[aria-label^="${name}"]`)?.click();
  const write = (text: string) => new TextDecoder().decode(bar.withCtrl(new TextEncoder().encode(text)));
  return { bar, typed, press, write };
}

test("each key sends what terminals send", () => {
  const { typed, press } = shown();
  for (const name of ["Esc", "Tab", "Left", "Up", "Down", "Right"]) press(name);
  expect(typed).toEqual(["\x1b", "\t", "\x1b[D", "\x1b[A", "\x1b[B", "\x1b[C"]);
});

test("a program that has asked for them gets the arrows of applications", () => {
  const { typed, press } = shown(true);
  press("Up");
  expect(typed).toEqual(["\x1bOA"]);
});

test.each([
  ["c", "\x03"],
  ["C", "\x03"],
  ["[", "\x1b"],
  [" ", "\0"],
  ["1", "1"],
  ["ü", "ü"],
  ["words", "words"],
])("with Ctrl %j is %j", (text, sent) => {
  const { press, write } = shown();
  press("Ctrl");
  expect(write(text)).toBe(sent);
});

test("Ctrl is for one key, and pressed again for none", () => {
  const { typed, press, write } = shown();
  press("Ctrl");
  expect([write("c"), write("c")]).toEqual(["\x03", "c"]);
  press("Ctrl");
  press("Ctrl");
  expect(write("c")).toBe("c");
  press("Ctrl");
  press("Left");
  press("Left");
  expect(typed).toEqual(["\x1b[1;5D", "\x1b[D"]);
});

test("a press does not take the focus from the terminal", () => {
  const { bar } = shown();
  const down = new MouseEvent("mousedown", { bubbles: true, cancelable: true });
  bar.element.firstElementChild?.dispatchEvent(down);
  expect(down.defaultPrevented).toBe(true);
});
