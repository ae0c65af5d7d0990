import { Badge } from "@mantine/core";
import type { WorkspaceStatus } from "#/api/schema";

const SHOWN: Readonly<Record<WorkspaceStatus, { label: string; color: string }>> = {
  ready: { label: "Ready", color: "teal" },
  provisioning: { label: "Being made", color: "blue" },
  error: { label: "Not made", color: "red" },
  deleted: { label: "Deleted", color: "gray" },
};

/** Where a workspace is in its life, as a word. */
export function stateLabel(status: WorkspaceStatus): string {
  return SHOWN[status].label;
}

/** The same, as it is shown. */
export function State({ status }: { status: WorkspaceStatus }) {
  const { label, color } = SHOWN[status];
  return (
    <Badge color={color} variant="light" tt="none">
      {label}
    </Badge>
  );
}
