import { Anchor, Button, TextInput } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type KeyboardEvent, useCallback, useMemo, useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import { answer } from "#/api/client";
import { api } from "#/api/identity";
import type { WorkspaceView } from "#/api/schema";
import { WORKSPACES } from "#/live/rows";
import { plural } from "#/ui/format";
import { complain } from "#/ui/notify";
import { EmptyState } from "#/ui/states";
import { Ago, Countdown } from "#/ui/time";
import { VirtualRows } from "#/ui/virtual";
import styles from "./list.module.css";
import { restore } from "./queries";
import { State, stateLabel } from "./state";

const ROW = 53;
/** A shorter list is seen at once. */
const FILTERED = 8;

/** Workspaces, and a filter for when there are many. `owners`: names of organisations by id. */
export function WorkspaceList({ items, owners }: { items: readonly WorkspaceView[]; owners: ReadonlyMap<string, string> }) {
  const [filter, setFilter] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const [, go] = useLocation();
  useHotkeys([["/", () => input.current?.focus()]]);
  const shown = useMemo(() => matching(items, owners, filter), [items, owners, filter]);

  const show = useCallback(
    (row: WorkspaceView) => <WorkspaceRow row={row} owner={owners.get(row.organisationId ?? "") ?? ""} />,
    [owners],
  );
  const onKeyDown = (event: KeyboardEvent) => {
    const first = shown[0];
    if (event.key === "Enter" && first) go(`/w/${first.workspaceId}`);
    if (event.key === "Escape") setFilter("");
  };

  return (
    <>
      {items.length > FILTERED && (
        <TextInput
          ref={input}
          aria-label="Filter workspaces"
          description={filter && `${shown.length} of ${plural(items.length, "workspace")}. Enter opens the first.`}
          inputWrapperOrder={["label", "input", "description"]}
          placeholder="Filter by name, id, owner or state ( / )"
          value={filter}
          onChange={(event) => setFilter(event.currentTarget.value)}
          onKeyDown={onKeyDown}
          mb="sm"
          size="sm"
        />
      )}
      {shown.length === 0 ? (
        <EmptyState title="Nothing like that">No workspace that you reach has “{filter.trim()}” in it.</EmptyState>
      ) : (
        <VirtualRows label="Workspaces" items={shown} keyOf={(row) => row.workspaceId} height={ROW}>
          {show}
        </VirtualRows>
      )}
    </>
  );
}

/** Those that have all words of `filter` in what is shown of them. */
export function matching(
  items: readonly WorkspaceView[],
  owners: ReadonlyMap<string, string>,
  filter: string,
): readonly WorkspaceView[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return items;
  return items.filter((row) => {
    const owner = owners.get(row.organisationId ?? "") ?? "";
    const text = `${row.name} ${row.workspaceId} ${stateLabel(row.status)} ${owner}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

function WorkspaceRow({ row, owner }: { row: WorkspaceView; owner: string }) {
  return (
    <div className={styles["row"]}>
      <div>
        <Anchor component={Link} href={place(row)} c="inherit" className={styles["name"]}>
          {row.name}
        </Anchor>
        <div className={styles["id"]}>{row.workspaceId}</div>
      </div>
      <div className={styles["owner"]}>{owner}</div>
      <div className={styles["state"]}>
        <State status={row.status} />
        {row.errorReason && (
          <div className={styles["reason"]} title={row.errorReason}>
            {row.errorReason}
          </div>
        )}
        {row.purgesAt && (
          <div className={styles["dim"]}>
            Removed in <Countdown at={row.purgesAt} />
          </div>
        )}
      </div>
      <div className={`${styles["created"]} ${styles["dim"]}`}>
        <Ago at={row.createdAt} />
      </div>
      <div className={styles["actions"]}>
        {row.status === "error" && <Again row={row} label="Retry" act={() => provision(row.workspaceId)} />}
        {row.status === "deleted" && <Again row={row} label="Restore" act={() => restore(row.workspaceId)} />}
      </div>
    </div>
  );
}

/** Where a row leads: what cannot be entered is managed. */
function place({ workspaceId, status }: WorkspaceView): string {
  return status === "ready" ? `/w/${workspaceId}` : `/w/${workspaceId}/settings`;
}

function provision(workspaceId: string): Promise<WorkspaceView> {
  const call = api.POST("/api/workspaces/{workspaceId}/provision", {
    params: { path: { workspaceId }, header: { Prefer: "wait=5" } },
  });
  return answer(call);
}

function Again({ row, label, act }: { row: WorkspaceView; label: string; act: () => Promise<WorkspaceView> }) {
  const queries = useQueryClient();
  const deed = useMutation({
    mutationFn: act,
    onSuccess: (changed) => {
      queries.setQueryData<WorkspaceView[]>(WORKSPACES, (rows) =>
        rows?.map((other) => (other.workspaceId === changed.workspaceId ? changed : other)),
      );
    },
    onError: (error) => complain(error, `${row.name} is as it was`),
  });
  return (
    <Button
      size="compact-sm"
      variant="default"
      loading={deed.isPending}
      onClick={() => deed.mutate()}
      aria-label={`${label} ${row.name}`}
    >
      {label}
    </Button>
  );
}
