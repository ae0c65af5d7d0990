import { type InfiniteData, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useState } from "react";
import { answer } from "#/api/client";
import type { EntryView, GrownTranscriptView, TranscriptDetail, TranscriptView } from "#/api/schema";
import { roomKey } from "#/room/key";
import { type Room, useRoom } from "#/room/room";

const PAGE = 200;
/** Milliseconds in which the changes of a transcript are taken together. */
const GATHER = 1000;

type Pages = InfiniteData<TranscriptDetail, number>;

/** A page of a transcript, behind entry number `after`. */
export async function entriesAfter(
  { api, workspaceId }: Room,
  transcriptId: string,
  after: number,
  limit = PAGE,
): Promise<TranscriptDetail> {
  const params = { path: { workspaceId, transcriptId }, query: { after, limit } };
  const page = await answer(api.GET("/api/workspaces/{workspaceId}/transcripts/{transcriptId}", { params }));
  if (typeof page === "string") throw new Error("A transcript came as a document");
  return page;
}

/** A transcript as far as it has been read. */
export interface Reading {
  transcript: TranscriptView;
  entries: readonly EntryView[];
  /** False when it has more entries than the API reads. */
  complete: boolean;
  /** Whether there are more entries that have not been fetched yet. */
  more: boolean;
}

/** Reads a transcript as far as it is wanted, and goes on while it grows. */
export function useReading(transcriptId: string) {
  const room = useRoom();
  const key = roomKey(room.workspaceId, "transcript", transcriptId);
  /** How many entries are wanted. */
  const [wanted, setWanted] = useState(1);
  const query = useInfiniteQuery({
    queryKey: key,
    initialPageParam: 0,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ pageParam }) => entriesAfter(room, transcriptId, pageParam),
    getNextPageParam: ({ nextAfter }) => nextAfter ?? undefined,
  });
  const { data, hasNextPage, isFetching, isError, fetchNextPage } = query;
  useGrowth(key, transcriptId);

  const reading = useMemo(() => data && joined(data.pages), [data]);
  const next = hasNextPage && !isFetching && !isError && reading !== undefined && reading.entries.length < wanted;
  useEffect(() => {
    if (next) void fetchNextPage();
  }, [next, fetchNextPage]);

  /** Have at least so many entries. */
  const want = useCallback((entries: number) => setWanted((before) => Math.max(before, entries)), []);
  return { reading, query, want };
}

function joined(pages: readonly TranscriptDetail[]): Reading | undefined {
  const last = pages.at(-1);
  return (
    last && {
      transcript: last.transcript,
      entries: pages.flatMap(({ items }) => items),
      complete: last.complete,
      more: last.nextAfter !== null,
    }
  );
}

/** Reads the last page again when the transcript has grown: its last entries get their answers later. */
function useGrowth(key: readonly unknown[], transcriptId: string): void {
  const room = useRoom();
  const queries = useQueryClient();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key is made of the others
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async () => {
      timer = undefined;
      const after = queries.getQueryData<Pages>(key)?.pageParams.at(-1);
      if (after === undefined) return;
      const page = await entriesAfter(room, transcriptId, after);
      queries.setQueryData<Pages>(key, (known) => known && withLast(known, after, page));
    };
    const end = room.live.on("transcript", ({ data }) => {
      const told: GrownTranscriptView = JSON.parse(data);
      // A page that cannot be read now is read when the transcript grows again.
      if (told.transcriptId === transcriptId) timer ??= setTimeout(() => void read().catch(() => {}), GATHER);
    });
    return () => {
      end();
      clearTimeout(timer);
    };
  }, [room, queries, transcriptId]);
}

/** With the last page replaced, if it is still the one behind `after`. */
export function withLast(known: Pages, after: number, page: TranscriptDetail): Pages {
  return known.pageParams.at(-1) === after ? { ...known, pages: [...known.pages.slice(0, -1), page] } : known;
}
