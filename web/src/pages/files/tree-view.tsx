import { Loader, Text } from "@mantine/core";
import { IconChevronDown, IconChevronRight, IconFile, IconFileUnknown, IconFolder, IconLink } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type CSSProperties, type KeyboardEvent, useEffect, useId, useRef } from "react";
import { messageOf } from "#/api/problem";
import type { FileKind, FileView } from "#/api/schema";
import { ExposedName } from "#/ui/exposedText";
import { MARKS, type Mark, parentOf, type Row } from "./tree";

const ROW_HEIGHT = 24;
/** Milliseconds after which what is typed begins another name. */
const TYPING = 700;
const ICONS: Readonly<Record<FileKind, typeof IconFile>> = {
  file: IconFile,
  folder: IconFolder,
  link: IconLink,
  other: IconFileUnknown,
};

interface Props {
  rows: readonly Row[];
  marks: ReadonlyMap<string, Mark>;
  /** Files with text that is not saved. */
  unsaved: ReadonlySet<string>;
  /** The entry that keys and the toolbar are about. */
  active: string | null;
  /** The file that is shown. */
  shown: string | null;
  onActive: (path: string) => void;
  onToggle: (path: string, open: boolean) => void;
  onOpen: (entry: FileView) => void;
  onRename: () => void;
  onDelete: () => void;
}

/** The tree of files, as the pattern "tree view" of ARIA has it: one stop of the Tab key, and arrows inside. */
export function TreeView({ rows, marks, unsaved, active, shown, onActive, onToggle, onOpen, onRename, onDelete }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const typed = useRef({ text: "", at: 0 });
  const id = useId();
  const at = rows.findIndex((row) => row.kind === "entry" && row.entry.path === active);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
  });
  useEffect(() => {
    if (at >= 0) virtual.scrollToIndex(at, { align: "auto" });
  }, [at, virtual]);

  const move = (from: number, step: 1 | -1) => {
    for (let next = from; next >= 0 && next < rows.length; next += step) {
      const row = rows[next];
      if (row?.kind === "entry") return onActive(row.entry.path);
    }
  };
  const activate = (entry: FileView, open: boolean) => {
    onActive(entry.path);
    if (entry.kind === "folder") onToggle(entry.path, !open);
    else onOpen(entry);
  };
  const seek = (letter: string) => {
    const now = Date.now();
    const text = (now - typed.current.at < TYPING ? typed.current.text : "") + letter.toLowerCase();
    typed.current = { text, at: now };
    // The first letter goes on to the next one of that name, more letters stay while they fit.
    const from = text.length === 1 ? at + 1 : Math.max(at, 0);
    const found = [...rows.slice(from), ...rows.slice(0, from)].find(
      (row) => row.kind === "entry" && row.entry.name.toLowerCase().startsWith(text),
    );
    if (found?.kind === "entry") onActive(found.entry.path);
  };
  const keys = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const row = rows[at];
    const entry = row?.kind === "entry" ? row.entry : null;
    const open = row?.kind === "entry" && row.open;
    if (event.key === "ArrowDown") move(at + 1, 1);
    else if (event.key === "ArrowUp") move(at < 0 ? rows.length - 1 : at - 1, -1);
    else if (event.key === "Home") move(0, 1);
    else if (event.key === "End") move(rows.length - 1, -1);
    else if (event.key === "ArrowRight" && entry?.kind === "folder") open ? move(at + 1, 1) : onToggle(entry.path, true);
    else if (event.key === "ArrowLeft" && entry)
      open ? onToggle(entry.path, false) : onActive(parentOf(entry.path) || entry.path);
    else if (event.key === "Enter" && entry) activate(entry, open);
    else if (event.key === "F2" && entry) onRename();
    else if (event.key === "Delete" && entry) onDelete();
    else if (event.key.length === 1) seek(event.key);
    else return;
    event.preventDefault();
  };

  return (
    <div
      ref={box}
      className="tree"
      role="tree"
      aria-label="Files"
      tabIndex={0}
      aria-activedescendant={at >= 0 ? `${id}-${at}` : undefined}
      onKeyDown={keys}
      onFocus={() => at < 0 && move(0, 1)}
    >
      <div style={{ height: virtual.getTotalSize(), position: "relative" }} role="presentation">
        {virtual.getVirtualItems().map(({ index, start }) => {
          const row = rows[index];
          const place: CSSProperties = { transform: `translateY(${start}px)`, height: ROW_HEIGHT };
          if (row?.kind !== "entry") return row && <Note key={`${row.kind} ${row.path}`} row={row} style={place} />;
          const { entry, level, open, position, size } = row;
          const mark = marks.get(entry.path);
          const Icon = ICONS[entry.kind];
          const Chevron = open ? IconChevronDown : IconChevronRight;
          return (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the tree itself takes the keys
            // biome-ignore lint/a11y/useFocusableInteractive: the tree has the focus, and names its active item
            <div
              key={entry.path}
              id={`${id}-${index}`}
              className="tree-row"
              role="treeitem"
              aria-level={level}
              aria-posinset={position}
              aria-setsize={size}
              aria-selected={entry.path === shown}
              aria-expanded={entry.kind === "folder" ? open : undefined}
              data-active={index === at || undefined}
              style={{ ...place, paddingLeft: 4 + (level - 1) * 14 }}
              onClick={() => activate(entry, open)}
              title={entry.target === null ? entry.path : `${entry.path} → ${entry.target}`}
            >
              <span className="tree-chevron">{entry.kind === "folder" && <Chevron size={14} aria-hidden />}</span>
              <Icon size={14} aria-hidden className="tree-icon" />
              <span className="tree-name" style={mark && { color: MARKS[mark].colour }}>
                <ExposedName name={entry.name} />
              </span>
              {unsaved.has(entry.path) && (
                <span className="tree-mark" role="img" aria-label="not saved" title="Not saved">
                  ●
                </span>
              )}
              {mark && (
                <span className="tree-mark" role="img" aria-label={MARKS[mark].label} style={{ color: MARKS[mark].colour }}>
                  {entry.kind === "folder" ? "•" : mark}
                </span>
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}

function Note({ row, style }: { row: Exclude<Row, { kind: "entry" }>; style: CSSProperties }) {
  return (
    <div className="tree-row" role="none" style={{ ...style, paddingLeft: 22 + (row.level - 1) * 14 }}>
      {row.kind === "loading" && <Loader size={12} aria-label="Loading" />}
      {row.kind === "more" && (
        <Text size="xs" c="dimmed">
          There is more; search for it
        </Text>
      )}
      {row.kind === "error" && (
        <Text size="xs" c="var(--mantine-color-error)" truncate>
          {messageOf(row.error)}
        </Text>
      )}
    </div>
  );
}
