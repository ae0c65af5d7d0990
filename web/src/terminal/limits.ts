import type { IDisposable, IParser } from "@xterm/xterm";

/** Repeat a character, go to a tab, insert and delete lines, scroll: xterm.js does these as often as it is told, however often. */
const COUNTED = ["b", "I", "Z", "L", "M", "S", "T"];

/** Pass over what asks for more than `most` of the same: no screen has room for it, and a page would stand still for minutes. */
export function limitCounts(parser: IParser, most: () => number): IDisposable[] {
  return COUNTED.map((final) => parser.registerCsiHandler({ final }, ([count]) => typeof count === "number" && count > most()));
}
