import { Paper } from "@mantine/core";
import { IconFile, IconFolder } from "@tabler/icons-react";
import type { FileView } from "#/api/schema";

/** The id of the list, for the field that it belongs to. */
export const LIST = "chat-paths";

/** The id of the offer at a place. */
export function offerId(at: number): string {
  return `${LIST}-${at}`;
}

/** Paths to choose from. The keyboard stays in the field; `active` is what Enter takes. */
export function Completion({
  files,
  active,
  take,
}: {
  files: readonly FileView[];
  active: number;
  take: (file: FileView) => void;
}) {
  if (files.length === 0) return null;
  return (
    <Paper withBorder shadow="sm" className="chat-paths" role="listbox" id={LIST} aria-label="Files">
      {files.map((file, at) => {
        const Icon = file.kind === "folder" ? IconFolder : IconFile;
        return (
          // biome-ignore lint/a11y/useKeyWithClickEvents lint/a11y/useFocusableInteractive: the field has the keyboard and names the active one
          <div
            key={file.path}
            id={offerId(at)}
            role="option"
            aria-selected={at === active}
            className="chat-path-offer"
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => take(file)}
          >
            <Icon size={14} aria-hidden />
            <span>{file.path}</span>
          </div>
        );
      })}
    </Paper>
  );
}
