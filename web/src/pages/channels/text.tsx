import { Anchor } from "@mantine/core";
import { safeUrl } from "#/ui/links";

const ADDRESS = /https?:\/\/[^\s<>"'`]+/g;
/** What stands behind an address in a sentence and is not of it. */
const TRAIL = /[.,;:!?)\]}]+$/;

/** Text that others wrote, as it is, with its http addresses as links. */
export function PlainText({ text }: { text: string }) {
  return (
    <>{pieces(text).map(({ at, part, href }) => (href === undefined ? part : <Link key={at} href={href} part={part} />))}</>
  );
}

function Link({ href, part }: { href: string; part: string }) {
  return (
    <Anchor href={href} target="_blank" rel="noopener noreferrer nofollow" inherit underline="always">
      {part}
    </Anchor>
  );
}

interface Piece {
  /** Where it begins in the text. */
  at: number;
  part: string;
  href?: string;
}

/** The parts of a text, one behind the other; those with `href` are links. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let end = 0;
  for (const { 0: match, index } of text.matchAll(ADDRESS)) {
    const part = match.replace(TRAIL, "");
    const href = safeUrl(part);
    if (href === undefined) continue;
    if (index > end) found.push({ at: end, part: text.slice(end, index) });
    found.push({ at: index, part, href });
    end = index + part.length;
  }
  if (end < text.length) found.push({ at: end, part: text.slice(end) });
  return found;
}
