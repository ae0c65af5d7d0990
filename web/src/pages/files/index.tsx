import "#/diff/colours.css";
import "./files.css";
import { Kbd } from "@mantine/core";
import { useHotkeys, useLocalStorage } from "@mantine/hooks";
import { type DragEvent, useMemo, useState, useSyncExternalStore } from "react";
import { useSearchParams } from "wouter";
import type { FileView } from "#/api/schema";
import { useRoom } from "#/room/room";
import { type Command, useCommands } from "#/shell/commands";
import { EmptyState } from "#/ui/states";
import { type Asked, FileDialog } from "./dialogs";
import { draftKey, drafts } from "./drafts";
import { useFolders, useMarks, useRefresh } from "./folders";
import { QuickOpen } from "./open";
import { FilePane } from "./pane";
import { type Place, useAddress, usePlace } from "./place";
import { SearchPanel } from "./search";
import { Toolbar } from "./toolbar";
import { above, parentOf, rowsOf } from "./tree";
import { TreeView } from "./tree-view";
import { useUploads } from "./uploads";

/** The files of a session: the tree, and the one that is open. */
export default function Files({ sessionId }: { sessionId: string }) {
  const place = usePlace(sessionId);
  return <Browser key={place.worktreeId} place={place} />;
}

function Browser({ place }: { place: Place }) {
  const { may } = useRoom();
  const writes = may("files:write");
  const [search] = useSearchParams();
  const go = useAddress();
  const path = search.get("path");
  const line = Number(search.get("line")) || null;

  const [open, setOpen] = useState<ReadonlySet<string>>(() => new Set(path === null ? [] : above(path)));
  const [active, setActive] = useState(path);
  const [hidden, setHidden] = useLocalStorage({ key: "hostel.hidden", defaultValue: true, getInitialValueInEffect: false });
  const [searching, setSearching] = useState(false);
  const [finding, setFinding] = useState(false);
  const [asked, setAsked] = useState<Asked | null>(null);
  const [dropping, setDropping] = useState(false);

  const folders = useFolders(
    place,
    useMemo(() => ["", ...open], [open]),
  );
  const marks = useMarks(place);
  const refresh = useRefresh(place);
  const unsaved = useUnsaved(place);
  const uploads = useUploads(place);
  const rows = useMemo(() => rowsOf(folders, open, hidden), [folders, open, hidden]);
  const entry = useMemo(() => entryOf(rows, active), [rows, active]);
  /** The folder in which new things are made. */
  const here = entry === null ? "" : entry.kind === "folder" ? entry.path : parentOf(entry.path);

  const reveal = (shown: string) => {
    setOpen(new Set([...open, ...above(shown)]));
    setActive(shown);
  };
  const show = (shown: string, at: number | null = null) => {
    reveal(shown);
    setFinding(false);
    go({ path: shown, line: at === null ? null : String(at) });
  };
  const toggle = (folder: string, opened: boolean) => {
    const next = new Set(open);
    if (opened) next.add(folder);
    else next.delete(folder);
    setOpen(next);
  };
  const ask = (what: "move" | "delete") => {
    if (!writes || entry === null) return;
    setAsked(what === "move" ? { what, path: entry.path } : { what, path: entry.path, kind: entry.kind });
  };
  const done = (made: string | null) => {
    if (made === null) {
      if (path !== null && asked !== null && `${path}/`.startsWith(`${asked.path}/`)) go({ path: null, line: null });
    } else if (asked?.what === "folder") reveal(made);
    else if (asked?.what === "file" || path === asked?.path) show(made);
    else reveal(made);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setDropping(false);
    const files = [...event.dataTransfer.files];
    if (writes && files.length > 0) uploads.begin(here, files);
  };

  useHotkeys(
    [
      ["mod+P", () => setFinding(true)],
      ["mod+shift+F", () => setSearching(true)],
    ],
    [],
    true,
  );
  useCommands(
    useMemo<Command[]>(
      () => [
        { id: "files-open", group: "Files", label: "Open a file by its name", keys: "Ctrl P", run: () => setFinding(true) },
        { id: "files-search", group: "Files", label: "Search in files", keys: "Ctrl Shift F", run: () => setSearching(true) },
        ...(writes
          ? [{ id: "files-new", group: "Files", label: "New file", run: () => setAsked({ what: "file", path: "" }) }]
          : []),
      ],
      [writes],
    ),
  );

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: files can be dropped here; the toolbar has a button that does the same
    <div
      className="files"
      data-open={path === null ? undefined : ""}
      data-dropping={dropping || undefined}
      onDragOver={(event) => {
        if (!writes || !event.dataTransfer.types.includes("Files")) return;
        event.preventDefault();
        setDropping(true);
      }}
      onDragLeave={() => setDropping(false)}
      onDrop={drop}
    >
      <aside className="files-side" aria-label="Files">
        {searching ? (
          <SearchPanel place={place} onOpen={show} onClose={() => setSearching(false)} />
        ) : (
          <>
            <Toolbar
              place={place}
              writes={writes}
              hidden={hidden}
              uploading={uploads.busy}
              active={entry}
              onHidden={() => setHidden(!hidden)}
              onNew={(what) => setAsked({ what, path: here === "" ? "" : `${here}/` })}
              onMove={() => ask("move")}
              onDelete={() => ask("delete")}
              onUpload={(files) => uploads.begin(here, files)}
              onRefresh={refresh}
              onFind={() => setFinding(true)}
              onSearch={() => setSearching(true)}
            />
            <TreeView
              rows={rows}
              marks={marks}
              unsaved={unsaved}
              active={active}
              shown={path}
              onActive={setActive}
              onToggle={toggle}
              onOpen={(opened) => show(opened.path)}
              onRename={() => ask("move")}
              onDelete={() => ask("delete")}
            />
          </>
        )}
      </aside>
      <section className="files-pane" aria-label="The open file">
        {path === null ? (
          <EmptyState title="No file is open">
            Choose one in the tree, or press <Kbd size="xs">Ctrl P</Kbd> and type some letters of its name.
          </EmptyState>
        ) : (
          <FilePane key={path} place={place} path={path} line={line} onBack={() => go({ path: null, line: null })} />
        )}
      </section>
      {finding && <QuickOpen place={place} onOpen={show} onClose={() => setFinding(false)} />}
      {asked && <FileDialog key={asked.what} place={place} asked={asked} onDone={done} onClose={() => setAsked(null)} />}
      {uploads.dialog}
    </div>
  );
}

function entryOf(rows: ReturnType<typeof rowsOf>, path: string | null): FileView | null {
  const row = rows.find((found) => found.kind === "entry" && found.entry.path === path);
  return row?.kind === "entry" ? row.entry : null;
}

/** The files of the place with text that is not saved. */
function useUnsaved(place: Place): ReadonlySet<string> {
  const known = useSyncExternalStore(drafts.subscribe, drafts.get);
  return useMemo(() => {
    const begin = draftKey(place.path.workspaceId, place.sessionId, place.worktreeId, "");
    const keys = Object.keys(known).filter((key) => key.startsWith(begin));
    return new Set(keys.map((key) => key.slice(begin.length)));
  }, [known, place]);
}
