/** A path that is being written behind an `@`. */
export interface Mention {
  /** Where the `@` stands. */
  start: number;
  /** Where the caret is, behind what was written. */
  end: number;
  query: string;
}

/** The mention in which the caret stands; null when it stands in none. */
export function mentionAt(text: string, caret: number): Mention | null {
  const found = /(?:^|[\s(])@([^\s@"]*)$/.exec(text.slice(0, caret));
  if (found === null) return null;
  const query = found[1] ?? "";
  return { start: caret - query.length - 1, end: caret, query };
}

/** The folder that a query names, without a slash at its end, and what is looked for in it. */
export function parted(query: string): { folder: string; name: string } {
  const at = query.lastIndexOf("/");
  return { folder: query.slice(0, Math.max(0, at)), name: query.slice(at + 1) };
}

/** The text with a path in the mention's place, and where the caret stands then. A folder can be gone on from. */
export function completed(text: string, mention: Mention, path: string, isFolder: boolean): { text: string; caret: number } {
  const named = /\s/.test(path) ? `@"${path}"` : `@${path}`;
  const put = isFolder && !/\s/.test(path) ? `${named}/` : `${named} `;
  const rest = text.slice(mention.end).replace(/^ /, put.endsWith(" ") ? "" : " ");
  return { text: text.slice(0, mention.start) + put + rest, caret: mention.start + put.length };
}

/** The paths that fit, best first: those whose name begins so, then those in which it stands, then those that have its letters. */
export function fitting<T extends { path: string; name: string }>(files: readonly T[], name: string, most: number): T[] {
  const wanted = name.toLowerCase();
  const ranked = files.flatMap((file) => {
    const rank = rankOf(file, wanted);
    return rank === null ? [] : [{ file, rank }];
  });
  ranked.sort((one, other) => one.rank - other.rank || one.file.path.length - other.file.path.length);
  return ranked.slice(0, most).map(({ file }) => file);
}

function rankOf({ path, name }: { path: string; name: string }, wanted: string): number | null {
  if (name.toLowerCase().startsWith(wanted)) return 0;
  if (name.toLowerCase().includes(wanted)) return 1;
  if (path.toLowerCase().includes(wanted)) return 2;
  return hasLetters(path.toLowerCase(), wanted) ? 3 : null;
}

function hasLetters(text: string, letters: string): boolean {
  let at = 0;
  for (const letter of letters) {
    at = text.indexOf(letter, at) + 1;
    if (at === 0) return false;
  }
  return true;
}
