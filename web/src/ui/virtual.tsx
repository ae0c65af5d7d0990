import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type ReactNode, useLayoutEffect, useMemo, useRef, useState } from "react";
import styles from "./virtual.module.css";

interface Props<T> {
  /** What they are. */
  label: string;
  items: readonly T[];
  keyOf: (item: T) => string;
  /** How high a row is before it was seen, in pixels. */
  height: number;
  /** Shows an item. It has to stay the same function: rows are not made anew while the page scrolls. */
  children: (item: T) => ReactNode;
}

/**
 * A list of any length in the page's own scrolling: only what is seen is there. The arrow keys, j and k, Home and End go from row
 * to row, to the first link of each.
 */
export function VirtualRows<T>({ label, items, keyOf, height, children }: Props<T>) {
  const list = useRef<HTMLUListElement>(null);
  const [top, setTop] = useState(0);
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: page,
    estimateSize: () => height,
    getItemKey: (index) => key(items, index, keyOf),
    overscan: 8,
    scrollMargin: top,
    // A frame that waits for the rows is late; rows that come a frame later are not noticed.
    useFlushSync: false,
  });
  useLayoutEffect(() => setTop(distance(list.current)), []);

  const onKeyDown = (event: KeyboardEvent) => {
    const at = indexOf(event.target);
    const next =
      at === null
        ? undefined
        : { ArrowDown: at + 1, j: at + 1, ArrowUp: at - 1, k: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (next === undefined || next < 0 || next >= items.length) return;
    event.preventDefault();
    rows.scrollToIndex(next);
    requestAnimationFrame(() => list.current?.querySelector<HTMLElement>(`[data-index="${next}"] a`)?.focus());
  };

  return (
    <ul ref={list} aria-label={label} className={styles.list} style={{ height: rows.getTotalSize() }} onKeyDown={onKeyDown}>
      {rows.getVirtualItems().map(({ index, key, start }) => {
        const item = items[index];
        return (
          item !== undefined && (
            <li
              key={key}
              ref={rows.measureElement}
              data-index={index}
              aria-setsize={items.length}
              aria-posinset={index + 1}
              className={styles.row}
              style={{ transform: `translateY(${start - top}px)` }}
            >
              <Once item={item} show={children} />
            </li>
          )
        );
      })}
    </ul>
  );
}

/** What was shown of an item stays until either changes. */
function Once<T>({ item, show }: { item: T; show: (item: T) => ReactNode }) {
  return useMemo(() => show(item), [item, show]);
}

function key<T>(items: readonly T[], index: number, keyOf: (item: T) => string): string | number {
  const item = items[index];
  return item === undefined ? index : keyOf(item);
}

/** What scrolls. */
function page(): HTMLElement | null {
  return document.getElementById("main");
}

/** How far below the beginning of what scrolls the list begins. */
function distance(list: HTMLElement | null): number {
  const around = page();
  if (list === null || around === null) return 0;
  return list.getBoundingClientRect().top - around.getBoundingClientRect().top + around.scrollTop;
}

function indexOf(target: EventTarget): number | null {
  const row = target instanceof Element ? target.closest<HTMLElement>("[data-index]") : null;
  return row === null ? null : Number(row.dataset["index"]);
}
