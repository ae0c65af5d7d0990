import { Alert, Button, Group, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense, useEffect, useEffectEvent, useMemo, useState, useSyncExternalStore } from "react";
import { ApiError } from "#/api/problem";
import { Editor } from "#/editor/editor";
import { lineBreakOf } from "#/editor/text";
import { useRoom } from "#/room/room";
import { Confirm } from "#/ui/confirm";
import { ErrorState, LoadingState } from "#/ui/states";
import { PathBar, useWrap } from "./bar";
import { type Content, writeContent } from "./content";
import { draftKey, drafts, keepDraft } from "./drafts";
import type { Place } from "./place";

const MergeEditor = lazy(() => import("#/editor/merge"));

/** What is on the disk; `etag` is null where there is no such file. */
interface Disk {
  text: string;
  etag: string | null;
}

interface Props {
  place: Place;
  path: string;
  disk: Disk;
  editable: boolean;
  line: number | null;
  onBack: () => void;
  /** What is said of the text, above it. */
  children?: ReactNode;
}

/** A text file: its editor, or, when it has changed under what was typed, both versions. */
export function TextPane({ place, path, disk, editable, line, onBack, children }: Props) {
  const room = useRoom();
  const name = path.split("/").at(-1) ?? path;
  const key = draftKey(place.path.workspaceId, place.sessionId, place.worktreeId, path);
  const draft = useSyncExternalStore(drafts.subscribe, drafts.get)[key];
  const [given, setGiven] = useState({ text: draft?.text ?? disk.text });
  const [comparing, setComparing] = useState(false);
  const { saving, error, save } = useSave(place, path, key);
  const { wrap, toggle } = useWrap();
  const at = useMemo(() => (line === null ? null : { line }), [line]);
  const stale = draft !== undefined && draft.etag !== disk.etag;
  const writes = editable && room.may("files:write");

  const renewed = useEffectEvent(() => {
    const typed = drafts.get()[key];
    if (typed?.text === disk.text) keepDraft(key, null);
    if (typed === undefined) setGiven({ text: disk.text });
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another version is on the disk
  useEffect(() => renewed(), [disk.etag]);

  const changed = (text: string) =>
    keepDraft(key, text === disk.text && !stale ? null : { text, etag: draft === undefined ? disk.etag : draft.etag });
  /** Write what was typed over `etag`; the two versions are shown when another one is there. */
  const write = async (etag: string | null) => {
    if (draft !== undefined && writes && (await save(draft.text, etag)) === "stale") setComparing(true);
  };
  const settle = (text: string) => {
    setComparing(false);
    setGiven({ text });
  };
  const mine = async () => {
    if (draft !== undefined && (await save(draft.text, disk.etag)) === "saved") settle(draft.text);
  };
  const theirs = async () => {
    keepDraft(key, null);
    settle(disk.text);
  };

  return (
    <>
      <PathBar place={place} info={{ path }} onBack={onBack}>
        {draft && (
          <Text size="xs" c="dimmed" role="status">
            Not saved
          </Text>
        )}
        {!writes && (
          <Text size="xs" c="dimmed">
            Read only
          </Text>
        )}
        {draft && writes && (
          <Confirm
            size="compact-xs"
            variant="subtle"
            color="gray"
            title="Discard what you typed?"
            text="The file stays as it is on disk."
            act={theirs}
          >
            Discard
          </Confirm>
        )}
        {writes && !stale && (
          <Button size="compact-xs" disabled={!draft} loading={saving} onClick={() => void write(draft?.etag ?? disk.etag)}>
            Save
          </Button>
        )}
        {toggle}
      </PathBar>
      {children}
      {error !== null && <ErrorState error={error} title="It is not saved" />}
      {stale && (
        <Alert color="orange" variant="light" py={6} radius={0} role="alert">
          <Group gap="xs">
            <Text size="sm" flex={1} miw={220}>
              {disk.etag === null ? "It was deleted on disk" : "It has changed on disk"} since you began to type.
            </Text>
            {disk.etag !== null && (
              <Button
                size="compact-xs"
                variant="default"
                onClick={() => (comparing ? settle(draft.text) : setComparing(true))}
                aria-pressed={comparing}
              >
                {comparing ? "Only mine" : "Compare"}
              </Button>
            )}
            <Confirm size="compact-xs" color="orange" title="Take theirs?" text="What you typed is thrown away." act={theirs}>
              Take theirs
            </Confirm>
            <Button size="compact-xs" loading={saving} onClick={() => void mine()}>
              {comparing ? "Save the right side" : "Keep mine"}
            </Button>
          </Group>
        </Alert>
      )}
      <div className="files-body">
        {stale && comparing && disk.etag !== null ? (
          <Suspense fallback={<LoadingState label="Comparing" />}>
            <MergeEditor theirs={disk.text} mine={draft.text} name={name} onChange={changed} />
          </Suspense>
        ) : (
          <Editor
            key={lineBreakOf(given.text)}
            given={given}
            name={name}
            readOnly={!writes}
            wrap={wrap}
            at={at}
            onChange={changed}
            onSave={() => void (stale ? setComparing(true) : write(draft?.etag ?? disk.etag))}
          />
        )}
      </div>
    </>
  );
}

/** How saving went: `stale` when another version is on the disk, `failed` when the error says why. */
type Outcome = "saved" | "stale" | "failed";

/** Saves a text over the version `etag`. */
function useSave(place: Place, path: string, key: string) {
  const room = useRoom();
  const queries = useQueryClient();
  const [saving, setSaving] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const save = async (text: string, etag: string | null): Promise<Outcome> => {
    setSaving(true);
    setError(null);
    try {
      const written = await writeContent(room, place, path, text, etag);
      const content: Content = { kind: "text", text, etag: written.etag ?? "", editable: true, reason: null };
      queries.setQueryData(place.key("files", "content", path, written.etag ?? written.modifiedAt), content);
      queries.setQueryData(place.key("files", "info", path), written);
      // What was typed while it was sent is not saved yet.
      const typed = drafts.get()[key];
      keepDraft(key, typed === undefined || typed.text === text ? null : { text: typed.text, etag: written.etag });
      void queries.invalidateQueries({ queryKey: place.key("git") });
      void queries.invalidateQueries({ queryKey: place.key("files", "folder") });
      return "saved";
    } catch (failure) {
      if (!(failure instanceof ApiError) || failure.status !== 412) {
        setError(failure);
        return "failed";
      }
      await queries.invalidateQueries({ queryKey: place.key("files", "info", path) });
      return "stale";
    } finally {
      setSaving(false);
    }
  };
  return { saving, error, save };
}
