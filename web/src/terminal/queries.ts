import type { IDisposable, IParser } from "@xterm/xterm";

/** What a program asks a terminal by CSI, as for its kind (c), its state (n) and its modes ($p). */
const CSI = [
  { final: "c" },
  { prefix: ">", final: "c" },
  { prefix: "=", final: "c" },
  { final: "n" },
  { prefix: "?", final: "n" },
  { intermediates: "$", final: "p" },
  { prefix: "?", intermediates: "$", final: "p" },
];
/** Colours, by OSC. */
const OSC = [4, 10, 11, 12];

/**
 * Leave what programs ask of the terminal unanswered while `muted` says so: an answer is typed as input, and a program that
 * asked long ago, or was answered by another viewer, does not expect it.
 */
export function muteAnswers(parser: IParser, muted: () => boolean): IDisposable[] {
  return [
    ...CSI.map((id) => parser.registerCsiHandler(id, muted)),
    ...OSC.map((id) => parser.registerOscHandler(id, (data) => data.endsWith("?") && muted())),
    parser.registerDcsHandler({ intermediates: "$", final: "q" }, muted),
  ];
}
