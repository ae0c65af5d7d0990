import "./colours.css";
import "./view.css";
import { type CSSProperties, memo } from "react";
import { ExposedText } from "#/ui/exposedText";
import type { Hunk } from "./hunk";
import { NO_NEWLINE } from "./patch";
import { type Row, sides } from "./sides";

type Line = Hunk["lines"][number];

/** Lines that are laid out together, once some of them come into sight. */
const BLOCK = 100;
const LINE_HEIGHT = 20;

/**
 * The hunks of a file, with their numbers. Numbers and marks are not copied with the text. `split` shows the two sides beside
 * each other. `label` says of what they are.
 */
export const Hunks = memo(function Hunks({
  hunks,
  label,
  split = false,
}: {
  hunks: readonly Hunk[];
  label: string;
  split?: boolean;
}) {
  const style: CSSProperties & { "--digits": number } = { "--digits": digits(hunks) };
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is to be reached by keyboard
    <section className="diff" aria-label={label} tabIndex={0} style={style}>
      {hunks.map((hunk, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: hunks have no identity, and no state
        <div key={at}>
          {hunk.header !== "" && <div className="diff-header">{hunk.header}</div>}
          {split ? <Sides hunk={hunk} /> : <Lines rows={hunk.lines} />}
        </div>
      ))}
    </section>
  );
});

/** How many digits the numbers of the lines have, at least four. */
function digits(hunks: readonly Hunk[]): number {
  const last = hunks.at(-1)?.lines.reduce((most, { old, new: now }) => Math.max(most, old ?? 0, now ?? 0), 0) ?? 0;
  return Math.max(4, String(last).length);
}

function Sides({ hunk }: { hunk: Hunk }) {
  const [left, right] = sides(hunk);
  return (
    <div className="diff-sides">
      <div className="diff-side">
        <Lines rows={left} />
      </div>
      <div className="diff-side">
        <Lines rows={right} />
      </div>
    </div>
  );
}

function Lines({ rows }: { rows: readonly Row[] }) {
  const blocks = Array.from({ length: Math.ceil(rows.length / BLOCK) }, (_, at) => rows.slice(at * BLOCK, (at + 1) * BLOCK));
  return blocks.map((block, at) => (
    <div
      // biome-ignore lint/suspicious/noArrayIndexKey: lines have no identity, and no state
      key={at}
      className="diff-block"
      style={{ containIntrinsicBlockSize: `auto ${block.length * LINE_HEIGHT}px` }}
    >
      {block.map((row, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines have no identity, and no state
        <OneLine key={line} row={row} />
      ))}
    </div>
  ));
}

function OneLine({ row }: { row: Line | null }) {
  if (row === null) return <div className="diff-line" data-kind="none" />;
  const note = row.old === null && row.new === null && row.text === NO_NEWLINE;
  return (
    <div className="diff-line" data-kind={note ? "same" : row.kind} data-old={row.old ?? ""} data-new={row.new ?? ""}>
      {/* A line without text is copied as a line all the same. */}
      <span className={note ? "diff-text diff-note" : "diff-text"}>
        {note ? "No newline at the end" : row.text === "" ? "\n" : <ExposedText text={row.text} />}
      </span>
    </div>
  );
}
