import { ActionIcon, Group, Text, Tooltip } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import { IconArrowLeft, IconDownload, IconTextWrap } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import type { FileView } from "#/api/schema";
import { useRoom } from "#/room/room";
import { Copy } from "#/ui/copy";
import { ExposedName } from "#/ui/exposedText";
import { complain } from "#/ui/notify";
import { saveAs } from "./content";
import type { Place } from "./place";

/** A button that gives a file to the browser. */
export function Download({ place, path }: { place: Place; path: string }) {
  const room = useRoom();
  const [busy, setBusy] = useState(false);
  const get = async () => {
    setBusy(true);
    try {
      await saveAs(room, place, path);
    } catch (error) {
      complain(error, "The file could not be downloaded");
    } finally {
      setBusy(false);
    }
  };
  return (
    <Tooltip label="Download">
      <ActionIcon variant="subtle" color="gray" size="sm" onClick={() => void get()} loading={busy} aria-label="Download">
        <IconDownload size={16} aria-hidden />
      </ActionIcon>
    </Tooltip>
  );
}

/** Above a file: the way back on small screens, its path, and what can be done with it. */
export function PathBar({
  place,
  info,
  onBack,
  children,
}: {
  place: Place;
  info: Pick<FileView, "path"> & Partial<FileView>;
  onBack: () => void;
  children?: ReactNode;
}) {
  return (
    <div className="files-bar">
      <ActionIcon className="files-back" variant="subtle" color="gray" size="sm" onClick={onBack} aria-label="Back to the tree">
        <IconArrowLeft size={16} aria-hidden />
      </ActionIcon>
      <h2 className="files-path" title={info.path} style={{ margin: 0 }}>
        <ExposedName name={info.path} />
      </h2>
      {info.kind === "link" && (
        <Text size="xs" c="dimmed" truncate maw={200}>
          link to <ExposedName name={info.target ?? ""} />
        </Text>
      )}
      <Group gap={4} wrap="nowrap">
        {children}
        <Copy value={info.path} label="the path" />
        <Download place={place} path={info.path} />
      </Group>
    </div>
  );
}

/** Whether long lines are wrapped: a choice for all files, and how to make it. */
export function useWrap(): { wrap: boolean; toggle: ReactNode } {
  const [wrap, setWrap] = useLocalStorage({ key: "hostel.wrap", defaultValue: false, getInitialValueInEffect: false });
  return {
    wrap,
    toggle: (
      <Tooltip label="Wrap long lines">
        <ActionIcon
          variant={wrap ? "light" : "subtle"}
          color={wrap ? "blue" : "gray"}
          size="sm"
          onClick={() => setWrap(!wrap)}
          aria-label="Wrap long lines"
          aria-pressed={wrap}
        >
          <IconTextWrap size={16} aria-hidden />
        </ActionIcon>
      </Tooltip>
    ),
  };
}
