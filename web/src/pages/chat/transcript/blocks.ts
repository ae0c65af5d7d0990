const FENCE = /^ {0,3}(`{3,}|~{3,})/;
/** What a line begins with that goes on with a list, a table or a quote, or names the target of links elsewhere. */
const BOUND = /^(\s|[-*+] |\d{1,9}[.)] |\||>)/;
const REFERENCE = /^ {0,3}\[[^\]]+\]:/m;

/**
 * The Markdown of a text in parts that mean the same alone. While a text grows only its last part changes, so that the others
 * need not be read again.
 */
export function blocks(text: string): string[] {
  if (REFERENCE.test(text)) return [text];
  const found: string[] = [];
  let lines: string[] = [];
  let fence: string | null = null;
  let blank = false;
  for (const line of text.split("\n")) {
    if (fence === null && blank && line !== "" && !BOUND.test(line)) {
      found.push(lines.join("\n"));
      lines = [];
    }
    const mark = FENCE.exec(line)?.[1];
    if (fence === null) fence = mark ?? null;
    else if (mark?.startsWith(fence) && line.trim() === mark) fence = null;
    blank = line.trim() === "";
    lines.push(line);
  }
  found.push(lines.join("\n"));
  return found;
}
