import { Badge } from "@mantine/core";
import type { TaskStatus, TaskView } from "#/api/schema";

export const STATUSES: readonly TaskStatus[] = ["queued", "running", "succeeded", "failed", "cancelled"];

const COLOURS: Readonly<Record<TaskStatus, string>> = {
  queued: "gray",
  running: "blue",
  succeeded: "teal",
  failed: "red",
  cancelled: "gray",
};

/** Where a task is in its life. */
export function TaskBadge({ status }: { status: TaskStatus }) {
  return (
    <Badge color={COLOURS[status]} variant="light" size="sm" style={{ flex: "none" }}>
      {status}
    </Badge>
  );
}

/** Whether a task has ended. */
export function isOver(status: TaskStatus): boolean {
  return status !== "queued" && status !== "running";
}

/** Whether a task is to begin later. */
export function waits({ status, notBefore }: TaskView): boolean {
  return status === "queued" && Date.parse(notBefore) > Date.now();
}

/** What stands for a prompt where there is little room. */
export function firstLine(excerpt: string): string {
  return excerpt.trim().split("\n", 1)[0] ?? "";
}
