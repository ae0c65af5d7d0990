import { expect, test } from "vitest";
import { commandOf } from "./shortcuts";

function press(code: string, held: string, selected = false) {
  const event = new KeyboardEvent("keydown", {
    code,
    ctrlKey: held.includes("C"),
    shiftKey: held.includes("S"),
    altKey: held.includes("A"),
  });
  return commandOf(event, selected);
}

test("Ctrl-C copies what is selected, and else is the program's", () => {
  expect(press("KeyC", "C", true)).toBe("copy");
  expect(press("KeyC", "C")).toBeNull();
  expect(press("KeyC", "CS")).toBe("copy");
});

test("the terminal's own keys are few, and need Ctrl", () => {
  expect([press("KeyF", "CS"), press("KeyL", "CS")]).toEqual(["search", "leave"]);
  expect([press("Equal", "C"), press("Equal", "CS"), press("Minus", "C"), press("Digit0", "C")]).toEqual([
    "larger",
    "larger",
    "smaller",
    "usual-size",
  ]);
  for (const held of ["", "S", "A", "CA"]) {
    expect(["KeyC", "KeyF", "KeyL", "Equal", "Minus", "Digit0"].map((code) => press(code, held))).toEqual(
      new Array(6).fill(null),
    );
  }
  expect(commandOf(new KeyboardEvent("keyup", { code: "KeyF", ctrlKey: true, shiftKey: true }), false)).toBeNull();
});
