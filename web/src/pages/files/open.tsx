import { Modal, Text, TextInput, UnstyledButton } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useId, useState } from "react";
import { answer } from "#/api/client";
import { useRoom } from "#/room/room";
import { ExposedName } from "#/ui/exposedText";
import { Shown } from "#/ui/states";
import type { Place } from "./place";

/** Paths that are offered at once. */
const MOST = 50;

/** Ctrl-P: a file by some letters of its path. The server knows which files git does not ignore, and which fit best. */
export function QuickOpen({ place, onOpen, onClose }: { place: Place; onOpen: (path: string) => void; onClose: () => void }) {
  const { api } = useRoom();
  const [typed, setTyped] = useState("");
  const [wanted] = useDebouncedValue(typed.trim(), 100);
  const [chosen, setChosen] = useState(0);
  const id = useId();
  const query = useQuery({
    queryKey: place.key("files", "names", wanted),
    queryFn: ({ signal }) =>
      answer(
        api.GET("/api/workspaces/{workspaceId}/sessions/{sessionId}/files/names", {
          params: { path: place.path, query: { ...place.query, q: wanted, limit: MOST } },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
  });
  const paths = query.data?.items ?? [];
  const keys = (event: KeyboardEvent) => {
    const path = paths[chosen];
    if (event.key === "ArrowDown") setChosen(Math.min(chosen + 1, paths.length - 1));
    else if (event.key === "ArrowUp") setChosen(Math.max(chosen - 1, 0));
    else if (event.key === "Enter" && path !== undefined) onOpen(path);
    else return;
    event.preventDefault();
  };
  return (
    <Modal opened onClose={onClose} title="Open a file" size="lg" yOffset="10vh" centered={false}>
      <TextInput
        aria-label="Letters of the file's path"
        placeholder="Letters of its path, like srcapp"
        role="combobox"
        aria-expanded
        aria-controls={id}
        aria-activedescendant={paths[chosen] === undefined ? undefined : `${id}-${chosen}`}
        value={typed}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          setChosen(0);
        }}
        onKeyDown={keys}
        maxLength={200}
        data-autofocus
        mb="xs"
      />
      <Shown query={query} label="Reading the names of the files">
        {({ items, truncated }) => (
          <>
            <div role="listbox" id={id} aria-label="Files">
              {items.map((path, at) => (
                <UnstyledButton
                  key={path}
                  id={`${id}-${at}`}
                  role="option"
                  aria-selected={at === chosen}
                  tabIndex={-1}
                  className="hit hit-line"
                  onClick={() => onOpen(path)}
                >
                  <ExposedName name={path} />
                </UnstyledButton>
              ))}
            </div>
            <Text size="xs" c="dimmed" mt="xs" role="status">
              {items.length === 0 && "No file has these letters in its path."}
              {truncated && "There are more. Type more letters to find them."}
            </Text>
          </>
        )}
      </Shown>
    </Modal>
  );
}
