/** Controls, and marks that change the direction of what follows: nothing that a title or a notice needs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;
const TITLE_MAX = 100;

/** What a program calls its terminal, as a short line of plain text. */
export function titleOf(text: string): string {
  return Array.from(text.slice(0, 4 * TITLE_MAX).replace(INVISIBLE, ""))
    .slice(0, TITLE_MAX)
    .join("")
    .trim();
}

/** Text from the clipboard without what is no text: with an escape in it, a paste could end its own brackets and be a command. */
export function pasteOf(text: string): string {
  return text.replace(CONTROLS, "");
}

/** How many lines a paste has: more than one runs commands where the program does not know that it is a paste. */
export function linesOf(text: string): number {
  return text.split(/\r\n|\r|\n/).length;
}

/** A number of bytes, for people. */
export function bytesOf(count: number): string {
  const units = ["bytes", "kB", "MB", "GB"];
  const unit = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  return `${unit === 0 ? count : (count / 1000 ** unit).toFixed(1)} ${units[unit]}`;
}
