import { Text } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useDeferredValue, useEffect, useEffectEvent, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useSearchParams } from "wouter";
import { useRoom } from "#/room/room";
import { plural } from "#/ui/format";
import { Bar } from "./bar";
import { Entry } from "./entry";
import { findIn } from "./find";
import type { Reading } from "./reading";
import { entriesOf } from "./row";
import styles from "./transcripts.module.css";

/** Pixels of an entry that was not seen yet. */
const GUESS = 64;
/** Pixels at the top that the bar covers. */
const COVERED = 56;
/** Entries before the end of what is there at which more is fetched. */
const AHEAD = 50;

/** The entries of a transcript: only those that are seen are there. */
export function Reader({ reading, want }: { reading: Reading; want: (entries: number) => void }) {
  const { transcript, entries, more, complete } = reading;
  const { workspaceId } = useRoom();
  const [search, setSearch] = useSearchParams();
  const asked = Number(search.get("entry") ?? 0);
  const [text, setText] = useState("");
  const [current, setCurrent] = useState(0);
  const [following, setFollowing] = useState(false);
  const [unfolded, setUnfolded] = useState<ReadonlyMap<number, boolean>>(new Map());
  const list = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => setTop(distance(list.current)), []);

  const rows = useVirtualizer({
    count: entries.length,
    getScrollElement: () => document.getElementById("main"),
    estimateSize: () => GUESS,
    overscan: 6,
    scrollMargin: top,
    scrollPaddingStart: COVERED,
  });

  const wanted = useDeferredValue(text);
  const matches = useMemo(() => findIn(entries, wanted), [entries, wanted]);
  const marked = matches.length > 0 ? matches[current % matches.length] : asked > 0 ? asked - 1 : undefined;

  const last = rows.getVirtualItems().at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= entries.length - AHEAD) want(entries.length + 1);
  }, [last, entries.length, want]);
  useEffect(() => {
    if (wanted !== "" || following) want(Number.POSITIVE_INFINITY);
  }, [wanted, following, want]);
  useEffect(() => {
    if (asked > 0) want(asked + AHEAD);
  }, [asked, want]);

  const show = useEffectEvent((index: number) => rows.scrollToIndex(index, { align: "center" }));
  const there = marked !== undefined && marked < entries.length;
  useEffect(() => {
    if (there && !following) show(marked);
  }, [marked, there, following]);
  const end = useEffectEvent(() => rows.scrollToIndex(entries.length - 1, { align: "end" }));
  useEffect(() => {
    if (following && entries.length > 0) end();
  }, [following, entries]);
  useEffect(() => {
    const up = (event: WheelEvent) => event.deltaY < 0 && setFollowing(false);
    addEventListener("wheel", up, { passive: true });
    return () => removeEventListener("wheel", up);
  }, []);

  const toggle = useCallback((seq: number, opened: boolean) => setUnfolded((before) => new Map(before).set(seq, opened)), []);
  const go = (seq: number) => setSearch(seq > 0 ? { entry: String(seq) } : {}, { replace: true });
  const at = `/w/${workspaceId}/transcripts/${transcript.transcriptId}`;

  return (
    <>
      <Bar
        text={text}
        setText={(next) => {
          setText(next);
          setCurrent(0);
        }}
        found={matches.length}
        current={matches.length > 0 ? (current % matches.length) + 1 : 0}
        step={(by) => setCurrent((before) => (before + by + matches.length) % Math.max(1, matches.length))}
        total={Math.max(entriesOf(transcript), entries.length)}
        go={go}
        following={following}
        setFollowing={setFollowing}
        searching={wanted !== "" && more}
      />
      <div ref={list} className={styles["entries"]} style={{ height: rows.getTotalSize() }} role="feed" aria-busy={more}>
        {rows.getVirtualItems().map(({ index, key, start }) => {
          const entry = entries[index];
          return (
            entry && (
              <div
                key={key}
                ref={rows.measureElement}
                data-index={index}
                className={styles["place-of-entry"]}
                style={{ transform: `translateY(${start - top}px)` }}
              >
                <Entry
                  entry={entry}
                  at={at}
                  marked={index === marked}
                  opened={unfolded.get(entry.seq) ?? (index === marked && matches.length > 0)}
                  toggle={toggle}
                />
              </div>
            )
          );
        })}
      </div>
      <Text size="xs" c="dimmed" ta="center" py="md" role="status">
        {more ? "Reading on…" : complete ? plural(entries.length, "entry", "entries") : "There is more than can be shown here."}
      </Text>
    </>
  );
}

/** How far below the beginning of what scrolls the list begins. */
function distance(list: HTMLElement | null): number {
  const around = document.getElementById("main");
  if (list === null || around === null) return 0;
  return list.getBoundingClientRect().top - around.getBoundingClientRect().top + around.scrollTop;
}
