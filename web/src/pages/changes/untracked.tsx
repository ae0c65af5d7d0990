import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { answer } from "#/api/client";
import { diffLines } from "#/diff/lines";
import { Hunks } from "#/diff/view";
import { readContent } from "#/pages/files/content";
import type { Place } from "#/pages/files/place";
import { useRoom } from "#/room/room";
import { ExposedName } from "#/ui/exposedText";
import { EmptyState, Shown } from "#/ui/states";
import { OpenFile } from "./open-file";

/** A file that git does not know yet: all of its lines are new. */
export function Untracked({ place, path, split }: { place: Place; path: string; split: boolean }) {
  const room = useRoom();
  const query = useQuery({
    queryKey: place.key("files", "untracked", path),
    queryFn: async () => {
      const params = { path: place.path, query: { ...place.query, path } };
      const info = await answer(room.api.GET("/api/workspaces/{workspaceId}/sessions/{sessionId}/files/info", { params }));
      return info.kind === "folder" ? null : readContent(room, place, info);
    },
  });
  const open = <OpenFile place={place} path={path} />;
  return (
    <Shown query={query} label="Reading the file">
      {(content) =>
        content?.kind === "text" && content.text !== "" ? (
          <>
            {open}
            <Text span size="xs" c="dimmed">
              {content.reason === "cut"
                ? "Git does not know it yet; only its beginning is shown."
                : "Git does not know it yet."}
            </Text>
            <Added path={path} text={content.text} split={split} />
          </>
        ) : (
          <EmptyState title="Git does not know this file yet" action={open}>
            <Text span inherit ff="monospace">
              <ExposedName name={path} />
            </Text>{" "}
            has no lines that could be shown.
          </EmptyState>
        )
      }
    </Shown>
  );
}

function Added({ path, text, split }: { path: string; text: string; split: boolean }) {
  const hunks = useMemo(() => diffLines("", text), [text]);
  return <Hunks hunks={hunks} label={path} split={split} />;
}
