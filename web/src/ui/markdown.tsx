import { Box, Code, Text } from "@mantine/core";
import { type ComponentProps, isValidElement } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import { Copy } from "./copy";
import { safeUrl } from "./links";
import styles from "./markdown.module.css";

const PLUGINS = [remarkGfm];

const COMPONENTS: Components = {
  a: ({ href, children }) => <Outside href={href}>{children}</Outside>,
  // A picture would tell its server who reads, so it is a link to follow or not.
  img: ({ src, alt }) => <Outside href={typeof src === "string" ? src : undefined}>{alt || "Image"}</Outside>,
  input: ({ checked }) => <input type="checkbox" checked={checked} disabled aria-label={checked ? "Done" : "Not done"} />,
  pre: ({ children }) => <Block>{children}</Block>,
  table: ({ children }) => (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table is scrolled with the keys too
    <section className={styles["wide"]} aria-label="Table" tabIndex={0}>
      <table>{children}</table>
    </section>
  ),
};

/** Untrusted Markdown, GitHub's kind. HTML in it is shown as text, links lead outside in a tab of their own, nothing is loaded. */
export function Markdown({ text }: { text: string }) {
  return (
    <Box className={styles["markdown"]}>
      {/* Addresses are judged where a link is made. */}
      <ReactMarkdown remarkPlugins={PLUGINS} components={COMPONENTS} urlTransform={(url) => url}>
        {text}
      </ReactMarkdown>
    </Box>
  );
}

/** A link to another place; only its text where the address is not one to follow. */
function Outside({ href, children }: ComponentProps<"a">) {
  const url = safeUrl(href ?? "");
  if (url === undefined) return <span>{children}</span>;
  return (
    <a href={url} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

/** A block of code, with its language and a way to copy it. */
function Block({ children }: ComponentProps<"pre">) {
  const code = isValidElement<{ className?: string; children?: unknown }>(children) ? children.props : {};
  const language = /language-(\S+)/.exec(code.className ?? "")?.[1];
  const text = String(code.children ?? "").replace(/\n$/, "");
  return (
    <Box className={styles["block"]}>
      <Box className={styles["tools"]}>
        {language && (
          <Text span size="xs" c="dimmed">
            {language}
          </Text>
        )}
        <Copy value={text} label="the code" />
      </Box>
      <Code block tabIndex={0}>
        {text}
      </Code>
    </Box>
  );
}
