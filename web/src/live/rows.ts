import type { QueryClient } from "@tanstack/react-query";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { expire, useExpired } from "#/api/identity";
import type { WorkspaceStatusView, WorkspaceView } from "#/api/schema";
import { EventStream, type Told } from "./stream";

/** The key of the list of workspaces. */
export const WORKSPACES = ["workspaces"] as const;

/** Keeps the list of workspaces as the stream of events tells it, while a page shows it. */
export function useLiveWorkspaces(): void {
  const queries = useQueryClient();
  const expired = useExpired();
  useEffect(() => {
    if (expired) return;
    const stream = new EventStream({
      url: "/api/events",
      bearer: () => null,
      onOpen: () => {},
      onEvents: (events) => take(queries, events),
      onState: () => {},
      // The list's own request shows any other reason.
      onRefused: ({ status }) => {
        if (status === 401) expire();
      },
    });
    return () => stream.close();
  }, [queries, expired]);
}

function take(queries: QueryClient, events: Told[]): void {
  const known = queries.getQueryData<WorkspaceView[]>(WORKSPACES);
  if (known === undefined) return;
  const rows = new Map(known.map((row) => [row.workspaceId, row]));
  let unknown = false;
  for (const { name, data } of events) {
    if (name === "workspaceDeleted") rows.delete(identified(data).workspaceId);
    else if (name === "workspace") {
      const told: WorkspaceStatusView = JSON.parse(data);
      const row = rows.get(told.workspaceId);
      // What a deletion adds, like the time of the purge, is not in the event.
      if (row === undefined || row.status !== told.status) unknown = true;
      if (row !== undefined) rows.set(told.workspaceId, { ...row, ...told });
    }
  }
  queries.setQueryData(WORKSPACES, [...rows.values()]);
  if (unknown) void queries.invalidateQueries({ queryKey: WORKSPACES });
}

function identified(data: string): { workspaceId: string } {
  return JSON.parse(data);
}
