import fc from "fast-check";
import { expect, test } from "vitest";
import { holdsCredential, repoLink, repoName } from "./repo";

test.each([
  ["https://github.com/owner/name.git", "github.com/owner/name"],
  ["https://example.org/a/b/", "example.org/a/b"],
  ["git@github.com:owner/name.git", "github.com/owner/name"],
  ["ssh://git@example.org:2222/owner/name.git", "example.org:2222/owner/name"],
  ["git://example.org/x", "example.org/x"],
  ["file:///srv/git/x.git", "/srv/git/x"],
])("%s is said %s", (address, said) => {
  expect(repoName(address)).toBe(said);
});

test("only what is for browsers is a link", () => {
  expect(repoLink("https://example.org/a.git")).toBe("https://example.org/a.git");
  expect(repoLink("git@example.org:a.git")).toBeUndefined();
  expect(repoLink("file:///a")).toBeUndefined();
  expect(repoLink("javascript:alert(1)//https:")).toBeUndefined();
});

test("an address with a password in it is noticed, and one with a user alone is not", () => {
  expect(holdsCredential("https://me:secret@example.org/a.git")).toBe(true);
  expect(holdsCredential(" https://:secret@example.org/a.git")).toBe(true);
  expect(holdsCredential("ssh://git@example.org:2222/a.git")).toBe(false);
  expect(holdsCredential("git@example.org:a.git")).toBe(false);
  expect(holdsCredential("https://example.org/a:b@c")).toBe(false);
});

test("any text has a name, and no link that a browser must not follow", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      repoName(text);
      expect(repoLink(text) ?? "https:").toMatch(/^https?:/);
    }),
  );
});
