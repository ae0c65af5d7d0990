import { Loader, Text } from "@mantine/core";
import {
  IconArrowsExchange,
  IconBulb,
  IconCheck,
  IconClock,
  IconFileText,
  IconFolderSymlink,
  IconPencil,
  IconSearch,
  IconTerminal2,
  IconTool,
  IconTrash,
  IconWorldDownload,
  IconX,
} from "@tabler/icons-react";
import { memo, useMemo, useState } from "react";
import type { ToolKind, ToolStatus } from "#/api/schema";
import type { ToolUse } from "../log/turn";
import { editsOf, sizeOf } from "./edits";
import { within } from "./folder";
import { ToolInput } from "./input";
import { Output } from "./output";

const KINDS: Readonly<Record<ToolKind, { icon: typeof IconTool; label: string }>> = {
  read: { icon: IconFileText, label: "Read" },
  edit: { icon: IconPencil, label: "Edit" },
  delete: { icon: IconTrash, label: "Delete" },
  move: { icon: IconFolderSymlink, label: "Move" },
  search: { icon: IconSearch, label: "Search" },
  execute: { icon: IconTerminal2, label: "Run" },
  think: { icon: IconBulb, label: "Think" },
  fetch: { icon: IconWorldDownload, label: "Fetch" },
  switch_mode: { icon: IconArrowsExchange, label: "Change mode" },
  other: { icon: IconTool, label: "Tool" },
};

/** What a tool does, as a picture with its name. */
export function KindIcon({ kind }: { kind: ToolKind }) {
  const { icon: Icon, label } = KINDS[kind];
  return <Icon size={15} role="img" aria-label={label} className="chat-kind" />;
}

function Status({ status, over }: { status: ToolStatus; over: boolean }) {
  if (status === "completed") return <IconCheck size={14} role="img" aria-label="done" className="chat-done" />;
  if (status === "failed") return <IconX size={14} role="img" aria-label="failed" className="chat-failed" />;
  // The turn has ended before the tool has: nothing goes on here.
  if (over) return <IconX size={14} role="img" aria-label="not finished" className="chat-kind" />;
  if (status === "pending") return <IconClock size={14} role="img" aria-label="waits" className="chat-kind" />;
  return <Loader size={12} role="img" aria-label="runs" />;
}

/**
 * One use of a tool: a line, which opens to what went in and what came out. Until then its paths are told from the agent's
 * `folder`. `over`: the turn has ended.
 */
export const ToolRow = memo(function ToolRow({ tool, over, folder }: { tool: ToolUse; over: boolean; folder: string }) {
  const [open, setOpen] = useState(false);
  const size = useMemo(() => sizeOf(editsOf(tool.input)), [tool.input]);
  return (
    <details className="chat-tool" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <KindIcon kind={tool.does} />
        <Text component="span" size="sm" truncate={!open} className="chat-title" title={tool.title}>
          {(open ? tool.title : within(folder, tool.title)) || KINDS[tool.does].label}
        </Text>
        {size.added > 0 && <span className="chat-added numbers">+{size.added}</span>}
        {size.removed > 0 && <span className="chat-removed numbers">−{size.removed}</span>}
        <Status status={tool.status} over={over} />
      </summary>
      {open && (
        <div className="chat-inside">
          {tool.input !== null && <ToolInput input={tool.input} />}
          {tool.output && <Output label="Output" text={tool.output} />}
          {tool.truncated && (
            <Text size="xs" c="dimmed">
              It was longer than the log keeps; the rest is left out.
            </Text>
          )}
          {tool.input === null && !tool.output && (
            <Text size="xs" c="dimmed">
              Nothing was told of it yet.
            </Text>
          )}
        </div>
      )}
    </details>
  );
});
