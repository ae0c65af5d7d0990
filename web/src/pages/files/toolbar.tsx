import { ActionIcon, FileButton, Menu, Tooltip } from "@mantine/core";
import {
  IconDots,
  IconEye,
  IconEyeOff,
  IconFilePlus,
  IconFileSearch,
  IconFolderPlus,
  IconRefresh,
  IconSearch,
  IconUpload,
} from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { FileView } from "#/api/schema";
import { type Place, WorktreeSelect } from "./place";

interface Props {
  place: Place;
  writes: boolean;
  hidden: boolean;
  uploading: boolean;
  active: FileView | null;
  onHidden: () => void;
  onNew: (what: "file" | "folder") => void;
  onMove: () => void;
  onDelete: () => void;
  onUpload: (files: File[]) => void;
  onRefresh: () => void;
  onFind: () => void;
  onSearch: () => void;
}

/** What can be done with the tree, and with its active entry. */
export function Toolbar(props: Props) {
  const { place, writes, hidden, uploading, active } = props;
  return (
    <div className="files-bar" role="toolbar" aria-label="Files">
      <WorktreeSelect place={place} />
      <Tool label="Open a file by its name (Ctrl P)" onClick={props.onFind}>
        <IconFileSearch size={16} aria-hidden />
      </Tool>
      <Tool label="Search in files (Ctrl Shift F)" onClick={props.onSearch}>
        <IconSearch size={16} aria-hidden />
      </Tool>
      {writes && (
        <>
          <Tool label="New file" onClick={() => props.onNew("file")}>
            <IconFilePlus size={16} aria-hidden />
          </Tool>
          <Tool label="New folder" onClick={() => props.onNew("folder")}>
            <IconFolderPlus size={16} aria-hidden />
          </Tool>
          <FileButton multiple onChange={props.onUpload}>
            {({ onClick }) => (
              <Tool label="Upload files" onClick={onClick} loading={uploading}>
                <IconUpload size={16} aria-hidden />
              </Tool>
            )}
          </FileButton>
        </>
      )}
      <Tool label={hidden ? "Hide names that begin with a dot" : "Show names that begin with a dot"} onClick={props.onHidden}>
        {hidden ? <IconEyeOff size={16} aria-hidden /> : <IconEye size={16} aria-hidden />}
      </Tool>
      <Tool label="Read the files again" onClick={props.onRefresh}>
        <IconRefresh size={16} aria-hidden />
      </Tool>
      {writes && (
        <Menu position="bottom-end">
          <Menu.Target>
            <ActionIcon variant="subtle" color="gray" size="sm" disabled={active === null} aria-label="What is selected">
              <IconDots size={16} aria-hidden />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Label>{active?.path}</Menu.Label>
            <Menu.Item onClick={props.onMove} rightSection="F2">
              Rename or move
            </Menu.Item>
            <Menu.Item onClick={props.onDelete} rightSection="Del" color="red">
              Delete
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      )}
    </div>
  );
}

function Tool({
  label,
  onClick,
  loading = false,
  children,
}: {
  label: string;
  onClick: () => void;
  loading?: boolean;
  children: ReactNode;
}) {
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" size="sm" onClick={onClick} loading={loading} aria-label={label}>
        {children}
      </ActionIcon>
    </Tooltip>
  );
}
