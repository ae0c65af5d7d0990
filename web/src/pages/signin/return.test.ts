import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { returnPath } from "./return";

afterEach(() => history.replaceState(null, "", "/"));

function at(path: string): string {
  history.replaceState(null, "", path);
  return returnPath();
}

test("the page that was asked for is returned to", () => {
  expect(at("/w/w1/usage?x=1")).toBe("/w/w1/usage?x=1");
});

test("the page of signing in returns to what its address says", () => {
  expect(at("/signin?to=/orgs")).toBe("/orgs");
  expect(at("/signin")).toBe("/");
});

test.each([
  "//example.org/x",
  "/\\example.org",
  "https://example.org",
  "javascript:alert(1)",
  "//",
  "/.//example.org",
  "/x/..//example.org",
])("“%s” leads to no other place", (to) => {
  expect(at(`/signin?to=${encodeURIComponent(to)}`)).toBe("/");
});

test("whatever the address says, the way leads to a path of this server", () => {
  fc.assert(
    fc.property(fc.string(), (to) => {
      const path = at(`/signin?to=${encodeURIComponent(to)}`);
      expect(new URL(path, location.origin).origin).toBe(location.origin);
      expect(path.startsWith("/") && !path.startsWith("//")).toBe(true);
    }),
  );
});
