import { Button, Center, Group, Loader, Select, Text, TextInput } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { useEffect, useMemo, useRef, useState } from "react";
import { useSearchParams } from "wouter";
import type { TranscriptView } from "#/api/schema";
import { useLive } from "#/live/room";
import { useRoom } from "#/room/room";
import { Page } from "#/ui/page";
import { EmptyState, Shown } from "#/ui/states";
import { VirtualRows } from "#/ui/virtual";
import { AGENTS } from "./agents";
import { type Filters, titled, useTranscripts } from "./listing";
import { TranscriptRow } from "./row";

const ROW = 57;
/** How many of those in which something was said are looked for at once. */
const ENOUGH = 20;
/** Characters of what is searched, as the API takes them. */
const WORDS_MAX = 200;

/** What agents have left of their conversations, also of those that were begun by hand in a terminal. */
export default function Transcripts() {
  const [search, setSearch] = useSearchParams();
  const filters: Filters = {
    agent: search.get("agent") ?? "",
    sessionId: search.get("session") ?? "",
    q: search.get("q") ?? "",
  };
  const [text, setText] = useState(filters.q);
  const query = useTranscripts(filters);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;

  const items = useMemo(() => query.data?.pages.flatMap((page) => page.items), [query.data]);
  // Titles are searched here, so all of them have to be here. A page of those in which something was said may be empty.
  const wanting = filters.q ? (items?.length ?? 0) < ENOUGH : text.trim() !== "";
  const more = wanting && hasNextPage && !isFetchingNextPage;
  useEffect(() => {
    if (more) void fetchNextPage();
  }, [more, fetchNextPage]);

  const indexing = query.data?.pages.some((page) => page.indexing) ?? false;
  const change = (name: string, value: string | null) => {
    setSearch(
      (before) => {
        const next = new URLSearchParams(before);
        if (value) next.set(name, value);
        else next.delete(name);
        return next;
      },
      { replace: true },
    );
  };

  return (
    <Page title="Transcripts">
      <Bar filters={filters} change={change} text={text} setText={setText} />
      {indexing && (
        <Group gap="xs" mb="xs" role="status">
          <Loader size={12} />
          <Text size="xs" c="dimmed">
            The home is still being looked through: there may be more.
          </Text>
        </Group>
      )}
      <Shown query={{ ...query, data: items }} label="Looking for transcripts">
        {(found) => (
          <Found
            items={filters.q ? found : titled(found, text)}
            narrowed={text !== "" || search.size > 0}
            searching={wanting && hasNextPage}
          />
        )}
      </Shown>
      {hasNextPage && (filters.q || text === "") && (
        <Center mt="sm">
          <Button size="xs" variant="default" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            Show older ones
          </Button>
        </Center>
      )}
    </Page>
  );
}

function Found({ items, narrowed, searching }: { items: readonly TranscriptView[]; narrowed: boolean; searching: boolean }) {
  const { live } = useRoom();
  const sessions = useLive(live, (state) => state.sessions);
  if (items.length > 0) {
    return (
      <VirtualRows label="Transcripts" items={items} keyOf={({ transcriptId }) => transcriptId} height={ROW}>
        {(item) => <TranscriptRow transcript={item} place={sessions.get(item.sessionId ?? "")?.name ?? item.cwd ?? ""} />}
      </VirtualRows>
    );
  }
  if (searching) return null;
  return narrowed ? (
    <EmptyState title="Nothing like that">No transcript fits what is chosen above.</EmptyState>
  ) : (
    <EmptyState title="No transcript yet">
      Claude Code, Codex, Gemini CLI and OpenCode keep a record of what was said and done. It appears here, whether you began in
      the chat or by hand in a terminal.
    </EmptyState>
  );
}

interface BarProps {
  filters: Filters;
  change: (name: string, value: string | null) => void;
  text: string;
  setText: (text: string) => void;
}

function Bar({ filters, change, text, setText }: BarProps) {
  const { live } = useRoom();
  const sessions = useLive(live, (state) => state.sessions);
  const input = useRef<HTMLInputElement>(null);
  useHotkeys([["/", () => input.current?.focus()]]);
  const write = (next: string) => {
    setText(next);
    if (filters.q) change("q", null);
  };
  return (
    <Group gap="xs" mb="sm" align="flex-end">
      <TextInput
        ref={input}
        aria-label="Search titles"
        placeholder="Search titles ( / ); Enter: what was said"
        value={text}
        onChange={(event) => write(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") write("");
          if (event.key === "Enter") change("q", text.trim());
        }}
        maxLength={WORDS_MAX}
        flex="1 1 200px"
      />
      <Button
        variant={filters.q ? "filled" : "default"}
        aria-pressed={filters.q !== ""}
        disabled={text.trim() === ""}
        onClick={() => change("q", filters.q ? null : text.trim())}
      >
        In what was said
      </Button>
      <Select
        aria-label="Agent"
        placeholder="All agents"
        data={Object.entries(AGENTS).map(([value, label]) => ({ value, label }))}
        value={filters.agent || null}
        onChange={(value) => change("agent", value)}
        clearable
        w={150}
      />
      <Select
        aria-label="Session"
        placeholder="All sessions"
        data={[...sessions.values()].map(({ sessionId, name }) => ({ value: sessionId, label: name }))}
        value={filters.sessionId || null}
        onChange={(value) => change("session", value)}
        nothingFoundMessage="No session by that name"
        limit={50}
        searchable
        clearable
        w={200}
      />
    </Group>
  );
}
