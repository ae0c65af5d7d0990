/** What a file's bytes say. */
export interface FileText {
  text: string;
  /** Whether the text as UTF-8 gives the same bytes again. */
  exact: boolean;
}

/** Bytes at the beginning of which none is NUL, unless the file is binary; as git has it. */
const BINARY = 8000;

/** The text of `bytes`; null when they are none. `cut` says that the file goes on. A byte order mark stays in the text. */
export function decode(bytes: Uint8Array, cut = false): FileText | null {
  if (bytes.subarray(0, BINARY).includes(0)) return null;
  try {
    // What is cut may end inside of a character, which then is left out.
    return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: cut }), exact: !cut };
  } catch {
    return { text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes), exact: false };
  }
}

/**
 * What ends the lines of `text`: CRLF where all lines do, else LF. A lone CR, and a CR of a file that has both, is part of its
 * line, so that what is not edited stays as it is.
 */
export function lineBreakOf(text: string): "\n" | "\r\n" {
  return text.includes("\r\n") && !/(^|[^\r])\n/.test(text) ? "\r\n" : "\n";
}
