import { MantineProvider } from "@mantine/core";
import { cleanup, render, screen } from "@testing-library/react";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Markdown } from "./markdown";

function show(text: string): HTMLElement {
  render(
    <MantineProvider env="test">
      <section aria-label="Page">
        <Markdown text={text} />
      </section>
    </MantineProvider>,
  );
  return screen.getByRole("region", { name: "Page" });
}

test("a link leads outside, in a tab of its own, and tells nobody where it came from", () => {
  show("[docs](https://example.org/a?b=c)");
  const link = screen.getByRole("link", { name: "docs" });
  expect(link).toHaveAttribute("href", "https://example.org/a?b=c");
  expect(link).toHaveAttribute("target", "_blank");
  expect(link).toHaveAttribute("rel", "noopener noreferrer nofollow");
});

test.each([
  "javascript:alert(1)",
  "JaVaScRiPt:alert(1)",
  "&#106;avascript:alert(1)",
  "data:text/html,<script>alert(1)</script>",
  "vbscript:x",
  "/api/logout",
  "#x",
])("an address that is none to follow stays text: %s", (address) => {
  const page = show(`[press me](<${address}>)`);
  expect(page).toHaveTextContent("press me");
  expect(page.querySelector("a")).toBeNull();
});

test("HTML is shown as text", () => {
  const page = show("before <script>alert(1)</script> <img src=x onerror=alert(1)>\n\n<iframe src='//example.org'></iframe>");
  expect(page.querySelector("script, img, iframe")).toBeNull();
  expect(page).toHaveTextContent("<script>alert(1)</script>");
});

test("a picture is a link, and is not loaded", () => {
  const page = show("![a cat](https://example.org/cat.png)");
  expect(page.querySelector("img")).toBeNull();
  expect(screen.getByRole("link", { name: "a cat" })).toHaveAttribute("href", "https://example.org/cat.png");
});

test("a block of code keeps its text, says its language and can be copied", () => {
  const page = show("```python\nif a < b:\n    print('<b>')\n```");
  expect(page.querySelector("pre")?.textContent).toBe("if a < b:\n    print('<b>')");
  expect(screen.getByText("python")).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Copy the code" })).toBeInTheDocument();
});

test("tables and lists of tasks are GitHub's", () => {
  show("| a | b |\n| - | - |\n| 1 | 2 |\n\n- [x] one\n- [ ] two");
  expect(screen.getByRole("table")).toBeInTheDocument();
  expect(screen.getByRole("checkbox", { name: "Done" })).toBeDisabled();
});

test("whatever the text, no script, handler, frame or picture comes of it", () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom(
      "<script>",
      "</script>",
      "<svg onload=x>",
      "](javascript:x)",
      "[a",
      "![b",
      "```",
      "<a href='javascript:x'>",
      "\n\n",
      "|",
      "<style>",
      "[^1]",
      "[^1]: ",
    ),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      cleanup();
      const page = show(pieces.join(""));
      expect(page.querySelector("script, style, img, iframe, object, embed, form")).toBeNull();
      for (const link of page.querySelectorAll("a")) expect(link.href).toMatch(/^(https?|mailto):/);
      for (const element of page.querySelectorAll("*"))
        for (const { name } of element.attributes) expect(name.startsWith("on")).toBe(false);
    }),
    { numRuns: 60 },
  );
});
