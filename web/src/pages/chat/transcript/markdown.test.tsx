import { MantineProvider } from "@mantine/core";
import { render } from "@testing-library/react";
import fc from "fast-check";
import { expect, test } from "vitest";
import { blocks } from "./blocks";
import { Markdown } from "./markdown";

function shown(text: string): HTMLElement {
  return render(
    <MantineProvider env="test">
      <Markdown text={text} />
    </MantineProvider>,
  ).container;
}

const HOSTILE = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<svg onload=alert(1)><a xlink:href='javascript:alert(1)'>x</a></svg>",
  "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
  "[x](javascript:alert(1))",
  "[x](JaVaScRiPt:alert(1))",
  "[x](&#106;avascript:alert(1))",
  "[x](data:text/html,<script>alert(1)</script>)",
  "[x](vbscript:x)",
  "![x](javascript:alert(1))",
  "![x](https://example.org/track.png)",
  "[x]: javascript:alert(1)\n\n[x]",
  "<javascript:alert(1)>",
  "<style>*{display:none}</style>",
  '<a href="https://example.org" onclick="alert(1)">x</a>',
];

test("nothing that an agent writes runs, is loaded, or leads where a browser runs it", () => {
  for (const text of HOSTILE) {
    const container = shown(text);
    expect(
      container.querySelectorAll("script, img, svg, iframe, style:not([data-mantine-styles]), object, embed"),
    ).toHaveLength(0);
    for (const link of container.querySelectorAll("a")) {
      expect(link.getAttribute("href")).toMatch(/^https?:/);
      expect(link.getAttribute("onclick")).toBeNull();
    }
  }
});

test("a link leads out in a window that knows nothing of this one", () => {
  const link = shown("[docs](https://example.org/a)").querySelector("a");
  expect(link).toHaveAttribute("href", "https://example.org/a");
  expect(link).toHaveAttribute("rel", "noopener noreferrer");
  expect(link).toHaveAttribute("target", "_blank");
});

test("an image is a link by its description, and a path is no link", () => {
  expect(shown("![a cat](https://example.org/cat.png)").querySelector("a")).toHaveTextContent("a cat");
  expect(shown("[main](src/main.ts)").querySelector("a")).toBeNull();
});

test("HTML is shown as it was written", () => {
  expect(shown("a <b>bold</b> word")).toHaveTextContent("a <b>bold</b> word");
});

test("a block of code can be copied", () => {
  const container = shown("```ts\nconst a = 1;\n```");
  expect(container.querySelector("pre code")).toHaveTextContent("const a = 1;");
  expect(container.querySelector("button")).toHaveAccessibleName("Copy the code");
});

test("tables and lists with boxes are drawn", () => {
  expect(shown("| a | b |\n|---|---|\n| 1 | 2 |").querySelectorAll("td")).toHaveLength(2);
  expect(shown("- [x] one\n- [ ] two").querySelectorAll("input[disabled]")).toHaveLength(2);
});

test("the parts of a text are all of it", () => {
  const line = fc.constantFrom("", "word", "- item", "```", "~~~", "    code", "1. one", "> quote", "| a |", "# head");
  fc.assert(
    fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
      expect(blocks(lines.join("\n")).join("\n")).toBe(lines.join("\n"));
    }),
  );
});

test("a part does not change any more once another has begun behind it", () => {
  const lines = "One.\n\n```\ncode\n\nmore\n```\n\n- a\n\n- b\n\nLast".split("\n");
  for (let end = 1; end < lines.length; end += 1) {
    const [before, after] = [blocks(lines.slice(0, end).join("\n")), blocks(lines.slice(0, end + 1).join("\n"))];
    expect(after.slice(0, before.length - 1)).toEqual(before.slice(0, -1));
  }
  expect(blocks(lines.join("\n"))).toEqual(["One.\n", "```\ncode\n\nmore\n```\n\n- a\n\n- b\n", "Last"]);
});
