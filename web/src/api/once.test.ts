import { expect, test } from "vitest";
import { Once } from "./once";

test("the same body has the same key, another body another one", () => {
  const once = new Once();
  const first = once.key({ name: "a" });
  expect(first).toMatch(/^[0-9a-f]{32}$/);
  expect(once.key({ name: "a" })).toBe(first);
  expect(once.key({ name: "b" })).not.toBe(first);
});

test("two forms never share a key", () => {
  expect(new Once().key({})).not.toBe(new Once().key({}));
});
