import { afterEach, expect, test } from "vitest";
import { withNonce } from "./nonce";

afterEach(() => document.head.replaceChildren());

test("what is made carries the nonce of the page, and nothing that is made later", () => {
  const meta = document.createElement("meta");
  meta.setAttribute("property", "csp-nonce");
  meta.nonce = "n1";
  document.head.append(meta);
  expect(withNonce(() => document.createElement("style")).nonce).toBe("n1");
  expect(() =>
    withNonce(() => {
      throw new Error("no");
    }),
  ).toThrow("no");
  expect(document.createElement("style").nonce).not.toBe("n1");
});

test("a page without a nonce is left alone", () => {
  expect(withNonce(() => document.createElement("style")).nonce).not.toBe("n1");
});
