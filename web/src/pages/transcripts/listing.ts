import { type InfiniteData, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { answer } from "#/api/client";
import type { GrownTranscriptView, TranscriptsPage, TranscriptView } from "#/api/schema";
import { roomKey } from "#/room/key";
import { useRoom } from "#/room/room";
import { entriesAfter } from "./reading";

/** The most that the API gives at a time. */
const PAGE = 100;
/** Milliseconds between two looks while the home is still being read. */
const INDEXING = 2000;
/** Milliseconds in which the changes of one transcript are taken together: an agent at work writes all the time. */
const GATHER = 1500;

export interface Filters {
  /** "" for all. */
  agent: string;
  sessionId: string;
  /** What was said in them. */
  q: string;
}

type Pages = InfiniteData<TranscriptsPage, string>;

/** The transcripts of the room, newest first, a page at a time; those that grow are kept up to date. */
export function useTranscripts({ agent, sessionId, q }: Filters) {
  const { api, workspaceId } = useRoom();
  const key = roomKey(workspaceId, "transcripts", agent, sessionId, q);
  const query = useInfiniteQuery({
    queryKey: key,
    initialPageParam: "",
    queryFn: ({ pageParam }) => {
      const filters = {
        ...(agent && { agent }),
        ...(sessionId && { session: sessionId }),
        ...(q && { q }),
        ...(pageParam && { cursor: pageParam }),
      };
      const params = { path: { workspaceId }, query: { limit: PAGE, ...filters } };
      return answer(api.GET("/api/workspaces/{workspaceId}/transcripts", { params }));
    },
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
    refetchInterval: ({ state }) => (state.data?.pages.some(({ indexing }) => indexing) ? INDEXING : false),
  });
  useGrowth(key, { agent, sessionId, q });
  return query;
}

function useGrowth(key: readonly unknown[], { agent, sessionId, q }: Filters): void {
  const room = useRoom();
  const { live } = room;
  const queries = useQueryClient();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key is made of the others
  useEffect(() => {
    // Only the server knows whether the words are in what is new.
    if (q) return;
    const waiting = new Map<string, ReturnType<typeof setTimeout>>();
    const look = async (transcriptId: string) => {
      waiting.delete(transcriptId);
      const { transcript } = await entriesAfter(room, transcriptId, 0, 1);
      queries.setQueryData<Pages>(key, (known) => known && withOne(known, transcript));
    };
    const end = live.on("transcript", ({ data }) => {
      const told: GrownTranscriptView = JSON.parse(data);
      if ((agent && told.agent !== agent) || (sessionId && told.sessionId !== sessionId) || waiting.has(told.transcriptId))
        return;
      // One that cannot be read now is looked at again when it grows again.
      waiting.set(
        told.transcriptId,
        setTimeout(() => void look(told.transcriptId).catch(() => {}), GATHER),
      );
    });
    return () => {
      end();
      for (const timer of waiting.values()) clearTimeout(timer);
    };
  }, [room, live, queries, agent, sessionId, q]);
}

/** With what is known of one transcript, in its old place, or in front. */
export function withOne(known: Pages, transcript: TranscriptView): Pages {
  const here = ({ items }: TranscriptsPage) => items.some(({ transcriptId }) => transcriptId === transcript.transcriptId);
  const old = known.pages.findIndex(here);
  const put = (items: TranscriptView[]) =>
    items.map((item) => (item.transcriptId === transcript.transcriptId ? transcript : item));
  return {
    ...known,
    pages: known.pages.map((page, at) => {
      if (at === old) return { ...page, items: put(page.items) };
      return old < 0 && at === 0 ? { ...page, items: [transcript, ...page.items] } : page;
    }),
  };
}

/** Those that have all words of `text` in their title. */
export function titled(transcripts: readonly TranscriptView[], text: string): readonly TranscriptView[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return transcripts;
  return transcripts.filter(({ title }) => words.every((word) => title.toLowerCase().includes(word)));
}
