import { Box } from "@mantine/core";
import type { ReactNode } from "react";

/** A text of a tool: as it is, in a box that scrolls. What would colour a terminal is left out. */
export function Output({ label, text }: { label: string; text: string }) {
  return <Shown label={label}>{plain(text)}</Shown>;
}

/** A text in a box that scrolls. */
export function Shown({ label, children }: { label: string; children: ReactNode }) {
  return (
    <Box className="chat-output" role="group" aria-label={label} tabIndex={0}>
      <pre>{children}</pre>
    </Box>
  );
}

/** ECMA-48: control sequences, operating system commands, and other escapes. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is them that are looked for
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;

/** A text without the escapes of terminals. */
export function plain(text: string): string {
  return text.replace(ESCAPES, "");
}
