import { ActionIcon, Checkbox, CloseButton, Group, Stack, Text, TextInput, Tooltip, UnstyledButton } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconLetterCase, IconRegex, IconTextSize } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { answer } from "#/api/client";
import { ApiError, messageOf } from "#/api/problem";
import type { Matches, MatchView } from "#/api/schema";
import { useRoom } from "#/room/room";
import { ExposedName } from "#/ui/exposedText";
import { plural } from "#/ui/format";
import { LoadingState } from "#/ui/states";
import type { Place } from "./place";

/** Lines that are found at most. */
const MOST = 500;

interface Wanted {
  q: string;
  glob: string;
  regex: boolean;
  ignoreCase: boolean;
  words: boolean;
  ignored: boolean;
}

const NOTHING: Wanted = { q: "", glob: "", regex: false, ignoreCase: true, words: false, ignored: false };

/** Search in the files of the place. */
export function SearchPanel({
  place,
  onOpen,
  onClose,
}: {
  place: Place;
  onOpen: (path: string, line: number) => void;
  onClose: () => void;
}) {
  const { api } = useRoom();
  const [wanted, setWanted] = useState(NOTHING);
  const [settled] = useDebouncedValue(wanted, 250);
  const change = (part: Partial<Wanted>) => setWanted({ ...wanted, ...part });
  const query = useQuery({
    queryKey: place.key("files", "search", settled),
    queryFn: ({ signal }) => {
      const { glob, ...rest } = settled;
      return answer(
        api.GET("/api/workspaces/{workspaceId}/sessions/{sessionId}/files/search", {
          params: { path: place.path, query: { ...place.query, ...rest, limit: MOST, ...(glob !== "" && { glob }) } },
          signal,
        }),
      );
    },
    enabled: settled.q !== "",
    retry: false,
  });
  const refused = query.error instanceof ApiError && query.error.status === 400;
  return (
    <>
      <Stack gap={6} p={8} role="search">
        <Group gap={4} wrap="nowrap">
          <TextInput
            aria-label="Search in files"
            placeholder="Search in files"
            size="xs"
            flex={1}
            value={wanted.q}
            onChange={(event) => change({ q: event.currentTarget.value })}
            error={query.isError && messageOf(query.error)}
            maxLength={1000}
            autoFocus
          />
          <CloseButton size="sm" onClick={onClose} aria-label="Close the search" />
        </Group>
        <Group gap={4} wrap="nowrap">
          <Option label="Match case" on={!wanted.ignoreCase} icon={IconLetterCase} set={(on) => change({ ignoreCase: !on })} />
          <Option label="Whole words" on={wanted.words} icon={IconTextSize} set={(words) => change({ words })} />
          <Option label="Regular expression" on={wanted.regex} icon={IconRegex} set={(regex) => change({ regex })} />
          <TextInput
            aria-label="Only in files like"
            placeholder="Only in *.py, src/**/*.ts"
            size="xs"
            flex={1}
            value={wanted.glob}
            onChange={(event) => change({ glob: event.currentTarget.value })}
            maxLength={1000}
          />
        </Group>
        <Checkbox
          size="xs"
          label="Also what git ignores"
          checked={wanted.ignored}
          onChange={(event) => change({ ignored: event.currentTarget.checked })}
        />
      </Stack>
      <div className="files-body">
        {query.isFetching && query.data === undefined && <LoadingState label="Searching" />}
        {query.data && !refused && <Found matches={query.data} wanted={settled} onOpen={onOpen} />}
      </div>
    </>
  );
}

function Option({
  label,
  on,
  icon: Icon,
  set,
}: {
  label: string;
  on: boolean;
  icon: typeof IconRegex;
  set: (on: boolean) => void;
}) {
  return (
    <Tooltip label={label}>
      <ActionIcon variant={on ? "filled" : "default"} aria-label={label} aria-pressed={on} onClick={() => set(!on)}>
        <Icon size={16} aria-hidden />
      </ActionIcon>
    </Tooltip>
  );
}

function Found({
  matches,
  wanted,
  onOpen,
}: {
  matches: Matches;
  wanted: Wanted;
  onOpen: (path: string, line: number) => void;
}) {
  const files = Map.groupBy(matches.items, ({ path }) => path);
  return (
    <>
      <Text size="xs" c="dimmed" px={12} pb={4} role="status">
        {matches.items.length === 0
          ? "Nothing was found."
          : `${plural(matches.items.length, "line")} in ${plural(files.size, "file")}${matches.truncated ? ", and there may be more" : ""}`}
      </Text>
      {[...files].map(([path, found]) => (
        <section key={path} aria-label={path}>
          <Text size="xs" fw={600} px={12} pt={4} truncate title={path}>
            <ExposedName name={path} />
          </Text>
          <ul className="hits">
            {found.map((match) => (
              <li key={match.line}>
                <UnstyledButton className="hit" onClick={() => onOpen(path, match.line)} title={match.text}>
                  <Text span size="xs" c="dimmed" className="numbers" mr={8}>
                    {match.line}
                  </Text>
                  <span className="hit-line">
                    <Line match={match} wanted={wanted} />
                  </span>
                </UnstyledButton>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}

/** A line that was found. Where it is by a regular expression, the server alone knows which part of it matched. */
function Line({ match, wanted }: { match: MatchView; wanted: Wanted }) {
  const text = match.text.trimStart();
  const fold = (given: string) => (wanted.ignoreCase ? given.toLowerCase() : given);
  const at = wanted.regex ? -1 : fold(text).indexOf(fold(wanted.q));
  if (at < 0) return text;
  const end = at + wanted.q.length;
  return (
    <>
      {text.slice(0, at)}
      <mark>{text.slice(at, end)}</mark>
      {text.slice(end)}
    </>
  );
}
