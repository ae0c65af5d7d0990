import { Text, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { answer } from "#/api/client";
import { ApiError } from "#/api/problem";
import type { FileView } from "#/api/schema";
import { useRoom } from "#/room/room";
import { FormDialog, fieldError } from "#/ui/form";
import { writeContent } from "./content";
import { useRefresh } from "./folders";
import type { Place } from "./place";

const FILES = "/api/workspaces/{workspaceId}/sessions/{sessionId}/files";

/** What is asked for in a dialog. */
export type Asked = Naming | Deletion;

interface Naming {
  what: "file" | "folder" | "move";
  path: string;
}

interface Deletion {
  what: "delete";
  path: string;
  kind: FileView["kind"];
}

interface Props<A> {
  place: Place;
  asked: A;
  /** The path of what was made or moved; null after a deletion. */
  onDone: (path: string | null) => void;
  onClose: () => void;
}

/** The dialog for what was asked. */
export function FileDialog({ place, asked, onDone, onClose }: Props<Asked>) {
  const refresh = useRefresh(place);
  const done = (path: string | null) => {
    refresh();
    onClose();
    onDone(path);
  };
  return asked.what === "delete" ? (
    <Delete place={place} asked={asked} onDone={done} onClose={onClose} />
  ) : (
    <Name place={place} asked={asked} onDone={done} onClose={onClose} />
  );
}

const TITLES = { file: "New file", folder: "New folder", move: "Rename or move" };

function Name({ place, asked, onDone, onClose }: Props<Naming>) {
  const room = useRoom();
  const [path, setPath] = useState(asked.path);
  const act = useMutation({
    mutationFn: async () => {
      const params = { path: place.path, query: place.query };
      if (asked.what === "file") await writeContent(room, place, path, "", null);
      else if (asked.what === "folder")
        await answer(room.api.POST(`${FILES}/folders`, { params, body: { path, parents: true } }));
      else await answer(room.api.POST(`${FILES}/move`, { params, body: { path: asked.path, to: path, overwrite: false } }));
    },
    onSuccess: () => onDone(path),
  });
  const taken = act.error instanceof ApiError && act.error.status === 412;
  return (
    <FormDialog
      title={TITLES[asked.what]}
      action={asked.what === "move" ? "Move" : "Make"}
      busy={act.isPending}
      error={taken ? null : act.error}
      fields={["/path", "/to"]}
      onSubmit={() => act.mutate()}
      onClose={onClose}
    >
      <TextInput
        label={asked.what === "move" ? "New path" : "Path"}
        description={asked.what === "move" ? undefined : "Folders above it are made where they are missing."}
        value={path}
        onChange={(event) => setPath(event.currentTarget.value)}
        error={
          taken ? "There is something of that name already." : (fieldError(act.error, "/to") ?? fieldError(act.error, "/path"))
        }
        maxLength={4096}
        spellCheck={false}
        required
        data-autofocus
      />
    </FormDialog>
  );
}

function Delete({ place, asked, onDone, onClose }: Props<Deletion>) {
  const { api } = useRoom();
  const folder = asked.kind === "folder";
  const act = useMutation({
    mutationFn: () =>
      answer(
        api.DELETE(FILES, {
          params: { path: place.path, query: { ...place.query, path: asked.path, ...(folder && { recursive: true }) } },
        }),
      ),
    onSuccess: () => onDone(null),
  });
  return (
    <FormDialog
      title={folder ? "Delete the folder?" : "Delete the file?"}
      action="Delete"
      busy={act.isPending}
      error={act.error}
      fields={[]}
      onSubmit={() => act.mutate()}
      onClose={onClose}
    >
      <Text size="sm">
        <code>{asked.path}</code>
        {folder ? " and all that is in it" : ""} will be deleted. What git does not know cannot be brought back.
      </Text>
    </FormDialog>
  );
}
