import { type KeyboardEvent, useRef } from "react";
import { type Layout, leaves, turned } from "./layout";
import classes from "./terminals.module.css";

/** The tabs of a layout. Arrow keys go from one to the next. */
export function TerminalTabs({
  layout,
  labelOf,
  show,
}: {
  layout: Layout;
  labelOf: (terminal: string) => string;
  show: (layout: Layout) => void;
}) {
  const list = useRef<HTMLDivElement>(null);
  const turn = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by === undefined || event.ctrlKey) return;
    event.preventDefault();
    const next = turned(layout, by);
    show(next);
    list.current?.querySelectorAll<HTMLElement>("[role=tab]")[next.shown]?.focus();
  };
  return (
    <div ref={list} role="tablist" aria-label="Terminals" className={classes["tabs"]} onKeyDown={turn}>
      {layout.tabs.map((tab, index) => (
        <button
          key={leaves(tab.tree)[0]}
          type="button"
          role="tab"
          id={tabId(index)}
          className={classes["tab"]}
          aria-selected={index === layout.shown}
          aria-controls={STAGE}
          tabIndex={index === layout.shown ? 0 : -1}
          onClick={() => show({ ...layout, shown: index })}
        >
          {labelOf(tab.focused)}
        </button>
      ))}
    </div>
  );
}

/** The id of the element with the terminals. */
export const STAGE = "terminals-stage";

/** The id of a tab. */
export function tabId(index: number): string {
  return `terminals-tab-${index}`;
}
