/** A piece of a text: as it is, or in words what stands there and does not show. */
export interface Piece {
  text: string;
  unseen: boolean;
}

/**
 * Long runs of blanks and of empty lines, a carriage return within a line, and all that has no shape of its own or changes the
 * order of its neighbours. A sign that joins or colours an emoji is left to it.
 */
const UNSEEN =
  /(?<blanks>[ \t]{32,})|(?<lines>(?:[ \t]{0,31}\r?\n){6,})|(?:\r(?!\n|$)|(?![ \t\r\n]|(?<=\p{Extended_Pictographic})[\ufe0f\u200d])[\s\p{C}\p{Default_Ignorable_Code_Point}\u2800])+/gu;
/** The same in what is to be one line, where a tab and the end of a line are signs like any other. */
const UNSEEN_IN_LINE =
  /(?<blanks> {32,})|(?:(?! |(?<=\p{Extended_Pictographic})[\ufe0f\u200d])[\s\p{C}\p{Default_Ignorable_Code_Point}\u2800])+/gu;
/** Characters of a run that are named one by one. */
const NAMED_MAX = 8;

/** A text in pieces, so that nothing in it can hide: what does not show is told in words. `line`: it is to be one line, as a name is. */
export function exposed(text: string, line = false): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const found of text.matchAll(line ? UNSEEN_IN_LINE : UNSEEN)) {
    if (found.index > from) pieces.push({ text: text.slice(from, found.index), unseen: false });
    pieces.push({ text: named(found), unseen: true });
    from = found.index + found[0].length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from), unseen: false });
  return pieces;
}

function named({ 0: run, groups }: RegExpExecArray): string {
  if (groups?.["blanks"] !== undefined) return `${run.length} blanks`;
  if (groups?.["lines"] !== undefined) return `${run.split("\n").length - 1} line breaks`;
  const characters = [...run];
  const names = characters.slice(0, NAMED_MAX).map(nameOf).join(" ");
  return characters.length > NAMED_MAX ? `${names} and ${characters.length - NAMED_MAX} more` : names;
}

function nameOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}
