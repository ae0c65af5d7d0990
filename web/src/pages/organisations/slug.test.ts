import fc from "fast-check";
import { expect, test } from "vitest";
import { SLUG_MAX, SLUG_PATTERN, slugOf } from "./slug";

test("a name becomes what it can be in an address", () => {
  expect(slugOf("Ästhetik & Söhne")).toBe("asthetik-sohne");
  expect(slugOf("  R&D 2 ")).toBe("r-d-2");
  expect(slugOf("日本")).toBe("");
});

test("whatever the name is, its slug is one that the API takes, or empty", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 120 }), (name) => {
      const slug = slugOf(name);
      expect(slug === "" || (slug.length <= SLUG_MAX && new RegExp(`^(?:${SLUG_PATTERN})$`, "v").test(slug))).toBe(true);
    }),
  );
});
