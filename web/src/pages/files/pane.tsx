import { Button, Text } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState, useSyncExternalStore } from "react";
import { answer } from "#/api/client";
import { ApiError, messageOf } from "#/api/problem";
import type { FileView } from "#/api/schema";
import { useRoom } from "#/room/room";
import { bytes } from "#/ui/format";
import { EmptyState, ErrorState, LoadingState, Shown } from "#/ui/states";
import { Ago } from "#/ui/time";
import { Download, PathBar } from "./bar";
import { type Content, readContent, SHOWN_MAX } from "./content";
import { draftKey, drafts } from "./drafts";
import type { Place } from "./place";
import { TextPane } from "./text-pane";

/** Milliseconds between two looks whether a file that is shown has changed; only while the page has the focus. */
const LOOK = 4000;

/** The file that is open. */
export function FilePane({
  place,
  path,
  line,
  onBack,
}: {
  place: Place;
  path: string;
  line: number | null;
  onBack: () => void;
}) {
  const { api } = useRoom();
  const info = useQuery({
    queryKey: place.key("files", "info", path),
    queryFn: () =>
      answer(
        api.GET("/api/workspaces/{workspaceId}/sessions/{sessionId}/files/info", {
          params: { path: place.path, query: { ...place.query, path } },
        }),
      ),
    refetchInterval: LOOK,
  });
  const draft = useSyncExternalStore(drafts.subscribe, drafts.get)[
    draftKey(place.path.workspaceId, place.sessionId, place.worktreeId, path)
  ];
  const gone = info.error instanceof ApiError && info.error.status === 404;
  // What was typed stays, also when its file was deleted under it.
  if (gone && draft)
    return <TextPane place={place} path={path} disk={{ text: "", etag: null }} editable line={null} onBack={onBack} />;
  if (gone)
    return (
      <EmptyState title="There is no such file" action={<Back onBack={onBack} />}>
        It was deleted or renamed, or it is in another worktree.
      </EmptyState>
    );
  return <Shown query={info}>{(found) => <Present place={place} info={found} line={line} onBack={onBack} />}</Shown>;
}

function Present({ place, info, line, onBack }: { place: Place; info: FileView; line: number | null; onBack: () => void }) {
  const room = useRoom();
  const readable = info.kind === "file" || info.kind === "link";
  const content = useQuery({
    queryKey: place.key("files", "content", info.path, info.etag ?? info.modifiedAt),
    queryFn: () => readContent(room, place, info),
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
    enabled: readable,
  });
  const bar = <PathBar place={place} info={info} onBack={onBack} />;
  if (!readable)
    return (
      <>
        {bar}
        <EmptyState title={info.kind === "folder" ? "This is a folder" : "This is no file"}>
          {info.kind === "folder" ? "Its files are in the tree." : "It is a socket, a pipe or a device, and holds no text."}
        </EmptyState>
      </>
    );
  if (content.data?.kind === "text")
    return (
      <TextPane place={place} path={info.path} disk={content.data} editable={content.data.editable} line={line} onBack={onBack}>
        {content.data.reason !== null && <Notice reason={content.data.reason} size={info.size} />}
      </TextPane>
    );
  return (
    <>
      {bar}
      <div className="files-body">
        {content.isError && info.kind === "link" && (
          <EmptyState title="Nothing can be shown behind this link">{messageOf(content.error)}</EmptyState>
        )}
        {content.isError && info.kind !== "link" && <ErrorState error={content.error} retry={() => void content.refetch()} />}
        {content.isPending && <LoadingState label="Reading the file" />}
        {content.data && <Plain content={content.data} place={place} info={info} />}
      </div>
    </>
  );
}

function Notice({ reason, size }: { reason: "cut" | "encoding"; size: number }) {
  return (
    <Text size="xs" px={12} py={4} c="dimmed" role="status">
      {reason === "cut"
        ? `These are the first ${bytes(SHOWN_MAX)} of ${bytes(size)}. Download it to read all of it; it cannot be edited here.`
        : "This text is not in UTF-8. What cannot be read is shown as �, and it cannot be edited here."}
    </Text>
  );
}

function Plain({ content, place, info }: { content: Content; place: Place; info: FileView }) {
  if (content.kind === "image") return <Picture blob={content.blob} name={info.name} />;
  return (
    <EmptyState title="This file is not text" action={<Download place={place} path={info.path} />}>
      {bytes(info.size)}, changed <Ago at={info.modifiedAt} />
    </EmptyState>
  );
}

function Picture({ blob, name }: { blob: Blob; name: string }) {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(blob);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  return url && <img className="files-image" src={url} alt={name} />;
}

function Back({ onBack }: { onBack: () => void }) {
  return (
    <Button variant="default" size="xs" onClick={onBack}>
      Close
    </Button>
  );
}
