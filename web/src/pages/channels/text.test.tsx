import { MantineProvider } from "@mantine/core";
import { render } from "@testing-library/react";
import fc from "fast-check";
import { expect, test } from "vitest";
import { PlainText, pieces } from "./text";

function shown(text: string): HTMLElement {
  return render(
    <MantineProvider env="test">
      <p>
        <PlainText text={text} />
      </p>
    </MantineProvider>,
  ).container;
}

test("HTML in a message is text", () => {
  const text = '<img src=x onerror="alert(1)"><script>alert(2)</script><a href="https://evil.example">x</a>';
  const container = shown(text);
  expect(container.querySelector("p")?.textContent).toBe(text);
  expect(container.querySelector("img, script")).toBeNull();
});

test("an address is a link that leads outside without telling from where", () => {
  const link = shown("see https://example.org/a?b=c, or not").querySelector("a");
  expect(link).toHaveAttribute("href", "https://example.org/a?b=c");
  expect(link).toHaveTextContent("https://example.org/a?b=c");
  expect(link).toHaveAttribute("rel", "noopener noreferrer nofollow");
});

test.each(["javascript:alert(1)", "data:text/html,<script>", "JAVASCRIPT:alert(1)", "vbscript:x", "file:///etc/passwd"])(
  "%s is no link",
  (address) => {
    expect(shown(`go to ${address} now`).querySelector("a")).toBeNull();
  },
);

test("a quote does not get out of a link", () => {
  const link = shown('https://example.org/"onmouseover=alert(1)').querySelector("a");
  expect(link).toHaveAttribute("href", "https://example.org/");
});

test("the pieces of any text are that text, and only http addresses are links", () => {
  const known = ["https://a.example/b?c=(d).", "http://[::1]/", "javascript:x", "http://", ". ", "\n", "<", '"'];
  const word = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom(...known));
  const words = fc.array(word, { maxLength: 6 });
  fc.assert(
    fc.property(words, (parts) => {
      const text = parts.join("");
      const found = pieces(text);
      expect(found.map(({ part }) => part).join("")).toBe(text);
      for (const { href } of found) if (href !== undefined) expect(href).toMatch(/^https?:\/\//);
    }),
  );
});
