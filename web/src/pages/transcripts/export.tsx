import { Button, Menu } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useMemo } from "react";
import { answer } from "#/api/client";
import type { EntryView } from "#/api/schema";
import { type Room, useRoom } from "#/room/room";
import { type Command, useCommands } from "#/shell/commands";
import { download } from "#/ui/copy";
import { complain } from "#/ui/notify";
import { entriesAfter } from "./reading";

/** The most entries that the API gives at a time. */
const PAGE = 500;

type Format = "markdown" | "html" | "json";

const FORMATS: readonly { format: Format; label: string; suffix: string; type: string }[] = [
  { format: "markdown", label: "Markdown", suffix: "md", type: "text/markdown" },
  { format: "html", label: "HTML", suffix: "html", type: "text/html" },
  { format: "json", label: "JSON", suffix: "json", type: "application/json" },
];

/** All of a transcript, as text. */
async function textOf(room: Room, transcriptId: string, format: Format): Promise<string> {
  if (format === "json") return JSON.stringify(await everyEntry(room, transcriptId), null, 2);
  const { api, workspaceId } = room;
  const params = { path: { workspaceId, transcriptId }, query: { format } };
  return answer(api.GET("/api/workspaces/{workspaceId}/transcripts/{transcriptId}", { params, parseAs: "text" }));
}

async function everyEntry(room: Room, transcriptId: string) {
  const items: EntryView[] = [];
  for (let after = 0; ; ) {
    const page = await entriesAfter(room, transcriptId, after, PAGE);
    items.push(...page.items);
    if (page.nextAfter === null) return { transcript: page.transcript, complete: page.complete, items };
    after = page.nextAfter;
  }
}

/** A button that gives the whole transcript to the browser as a file. */
export function Export({ transcriptId }: { transcriptId: string }) {
  const room = useRoom();
  const { mutate, isPending } = useMutation({
    mutationFn: async ({ format, suffix, type }: (typeof FORMATS)[number]) => {
      download(`${transcriptId}.${suffix}`, await textOf(room, transcriptId, format), type);
    },
    onError: (error) => complain(error, "The transcript was not exported"),
  });
  const offered = useMemo<Command[]>(
    () =>
      FORMATS.map((chosen) => ({
        id: `export ${chosen.format}`,
        group: "Transcript",
        label: `Export as ${chosen.label}`,
        run: () => mutate(chosen),
      })),
    [mutate],
  );
  useCommands(offered);
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button size="xs" variant="default" loading={isPending} leftSection={<IconDownload size={14} aria-hidden />}>
          Export
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {FORMATS.map((chosen) => (
          <Menu.Item key={chosen.format} onClick={() => mutate(chosen)}>
            {chosen.label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
