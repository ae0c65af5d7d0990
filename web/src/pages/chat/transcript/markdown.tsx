import { Anchor, Box } from "@mantine/core";
import { memo, type ReactNode } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import { Copy } from "#/ui/copy";
import { safeUrl } from "#/ui/links";
import { blocks } from "./blocks";

/** What an agent says, as Markdown. HTML in it is shown as text, images are links, and links lead out only where that is safe. */
export const Markdown = memo(function Markdown({ text }: { text: string }) {
  return (
    <div className="chat-markdown">
      {blocks(text).map((block, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: parts have no identity but their place
        <Block key={at} text={block} />
      ))}
    </div>
  );
});

const PLUGINS = [remarkGfm];

const Block = memo(function Block({ text }: { text: string }) {
  return (
    <ReactMarkdown remarkPlugins={PLUGINS} components={COMPONENTS}>
      {text}
    </ReactMarkdown>
  );
});

/** Headings begin below those of the page. */
const COMPONENTS: Components = {
  h1: "h3",
  h2: "h4",
  h3: "h5",
  h4: "h6",
  h5: "h6",
  a: ({ href, children }) => <Outward href={href}>{children}</Outward>,
  img: ({ src, alt }) => <Outward href={typeof src === "string" ? src : undefined}>{alt || "image"}</Outward>,
  pre: ({ children }) => <Code>{children}</Code>,
  input: ({ checked }) => <input type="checkbox" checked={checked ?? false} disabled aria-label={checked ? "done" : "open"} />,
  table: ({ children }) => (
    <Box className="chat-table" role="group" aria-label="Table" tabIndex={0}>
      <table>{children}</table>
    </Box>
  ),
};

function Outward({ href, children }: { href: string | undefined; children: ReactNode }) {
  const safe = href === undefined ? undefined : safeUrl(href);
  if (safe === undefined) return <span className="chat-nolink">{children}</span>;
  return (
    <Anchor href={safe} target="_blank" rel="noopener noreferrer" inherit underline="always">
      {children}
    </Anchor>
  );
}

/** A block of code, with a button that copies it. */
function Code({ children }: { children: ReactNode }) {
  return (
    <div className="chat-code">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is to be reached by keyboard */}
      <pre tabIndex={0}>{children}</pre>
      <div className="chat-code-copy">
        <Copy value={textOf(children)} label="the code" />
      </div>
    </div>
  );
}

/** The text of a block of code: that of the one element which react-markdown puts into `pre`. */
function textOf(node: ReactNode): string {
  if (typeof node === "string") return node;
  if (Array.isArray(node)) return node.map(textOf).join("");
  if (typeof node === "object" && node !== null && "props" in node) {
    const { props } = node;
    if (typeof props === "object" && props !== null && "children" in props && isNode(props.children))
      return textOf(props.children);
  }
  return "";
}

function isNode(value: unknown): value is ReactNode {
  return typeof value === "string" || Array.isArray(value);
}
