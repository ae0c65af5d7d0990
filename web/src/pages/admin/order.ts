import type { HostWorkspaceView } from "#/api/schema";

/** How the workspaces of the host are ordered. */
export type Order = "Most processes" | "Newest" | "Name";

type Compare = (a: HostWorkspaceView, b: HostWorkspaceView) => number;

const COMPARE: Readonly<Record<Order, Compare>> = {
  "Most processes": (a, b) => b.processes - a.processes || byName(a, b),
  Newest: (a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt),
  Name: byName,
};

function byName(a: HostWorkspaceView, b: HostWorkspaceView): number {
  return (a.name ?? "").localeCompare(b.name ?? "") || a.uid - b.uid;
}

/** Those that have `filter` in what is shown of them, in their order. */
export function sorted(items: readonly HostWorkspaceView[], order: Order, filter: string): HostWorkspaceView[] {
  const wanted = filter.trim().toLowerCase();
  return items
    .filter(({ name, workspaceId, uid, state }) =>
      `${name ?? ""} ${workspaceId} ${uid} ${state}`.toLowerCase().includes(wanted),
    )
    .sort(COMPARE[order]);
}
