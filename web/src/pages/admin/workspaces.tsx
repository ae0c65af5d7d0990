import { Anchor, Badge, Button, Group, Select, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { Link } from "wouter";
import { answer, everything } from "#/api/client";
import { api } from "#/api/identity";
import type { HostWorkspaceView, Me, WorkspaceState } from "#/api/schema";
import { WORKSPACES } from "#/live/rows";
import { restore, useOwnerNames } from "#/pages/workspaces/queries";
import { Confirm } from "#/ui/confirm";
import { plural } from "#/ui/format";
import { complain, say } from "#/ui/notify";
import { EmptyState, Shown } from "#/ui/states";
import { Ago, absolute } from "#/ui/time";
import { VirtualRows } from "#/ui/virtual";
import { type Order, sorted } from "./order";
import styles from "./workspaces.module.css";

const KEY = ["host", "workspaces"] as const;
const ROW = 53;
/** Milliseconds between two looks, while the page is seen and the list is not long. */
const EVERY = 10_000;
const LONG = 500;

/** Every workspace as the host has it: its Linux user, and how many processes run. */
export function HostWorkspaces({ me }: { me: Me }) {
  const query = useQuery({
    queryKey: KEY,
    queryFn: () =>
      everything((cursor) =>
        answer(api.GET("/api/host/workspaces", { params: { query: { limit: 100, ...(cursor && { cursor }) } } })),
      ),
    refetchInterval: ({ state }) => ((state.data?.length ?? 0) <= LONG ? EVERY : false),
  });
  const owners = useOwnerNames(me);
  return <Shown query={query}>{(items) => <List items={items} owners={owners} />}</Shown>;
}

function List({ items, owners }: { items: readonly HostWorkspaceView[]; owners: ReadonlyMap<string, string> }) {
  const [filter, setFilter] = useState("");
  const [order, setOrder] = useState<Order>("Most processes");
  const shown = useMemo(() => sorted(items, order, filter), [items, order, filter]);
  const show = useCallback(
    (item: HostWorkspaceView) => <HostRow item={item} owner={owners.get(item.organisationId ?? "") ?? ""} />,
    [owners],
  );
  const running = items.filter((item) => item.running).length;
  if (items.length === 0)
    return <EmptyState title="No workspace yet">What people make appears here, with its Linux user and what runs.</EmptyState>;
  return (
    <>
      <Group gap="sm" mb="sm">
        <TextInput
          aria-label="Filter workspaces"
          placeholder="Filter by name, id, uid or state"
          value={filter}
          onChange={(event) => setFilter(event.currentTarget.value)}
          flex="1 1 200px"
        />
        <Select
          aria-label="Order"
          value={order}
          onChange={(value) => setOrder(value === "Newest" || value === "Name" ? value : "Most processes")}
          data={["Most processes", "Newest", "Name"]}
          allowDeselect={false}
          w={170}
        />
        <span className={styles["number"]}>
          {plural(items.length, "workspace")}, {running} running
        </span>
      </Group>
      <div className={`${styles["row"]} ${styles["head"]}`} aria-hidden>
        <span>Name</span>
        <span>Owner</span>
        <span>State</span>
        <span>uid</span>
        <span>Processes</span>
        <span>Made</span>
        <span className={styles["actions"]} />
      </div>
      {shown.length === 0 ? (
        <EmptyState title="Nothing like that">No workspace of this host has “{filter.trim()}” in it.</EmptyState>
      ) : (
        <VirtualRows label="Workspaces of this host" items={shown} keyOf={(item) => item.workspaceId} height={ROW}>
          {show}
        </VirtualRows>
      )}
    </>
  );
}

const STATES: Readonly<Record<WorkspaceState, { label: string; color: string }>> = {
  creating: { label: "Being made", color: "blue" },
  ready: { label: "Ready", color: "teal" },
  locked: { label: "Deleted", color: "gray" },
  deleting: { label: "Being removed", color: "orange" },
};

function HostRow({ item, owner }: { item: HostWorkspaceView; owner: string }) {
  const { label, color } = STATES[item.state];
  return (
    <div className={styles["row"]}>
      <div>
        <Anchor component={Link} href={`/w/${item.workspaceId}/settings`} c="inherit" fw={500} size="sm">
          {item.name ?? "Without a name"}
        </Anchor>
        <div className={styles["id"]}>{item.workspaceId}</div>
      </div>
      <div className={styles["owner"]}>{owner}</div>
      <div className={styles["state"]}>
        <Badge color={color} variant="light" tt="none">
          {label}
        </Badge>
      </div>
      <div className={styles["number"]}>
        <span className={styles["unit"]}>uid </span>
        {item.uid}
      </div>
      <div className={styles["number"]}>
        {item.running ? item.processes : "none"}
        <span className={styles["unit"]}> processes</span>
      </div>
      <div>
        <Ago at={item.createdAt} />
      </div>
      <div className={styles["actions"]}>
        {item.state === "ready" && <Delete item={item} />}
        {item.state === "locked" && <Restore item={item} />}
      </div>
    </div>
  );
}

function Delete({ item: { workspaceId, name } }: { item: HostWorkspaceView }) {
  const queries = useQueryClient();
  const title = name ?? workspaceId;
  const act = async () => {
    const call = api.DELETE("/api/workspaces/{workspaceId}", { params: { path: { workspaceId } } });
    const { purgesAt } = await answer(call);
    say(purgesAt ? `${title} is locked. Until ${absolute(purgesAt)} it can be restored.` : `${title} is deleted.`);
    await queries.invalidateQueries({ queryKey: KEY });
    await queries.invalidateQueries({ queryKey: WORKSPACES });
  };
  return (
    <Confirm
      size="compact-sm"
      title={`Delete ${title}?`}
      text="All that runs in it ends, and nobody enters. For some time it is kept and can be restored; then it is removed for good."
      typed={title}
      act={act}
      aria-label={`Delete ${title}`}
    >
      Delete
    </Confirm>
  );
}

function Restore({ item: { workspaceId, name } }: { item: HostWorkspaceView }) {
  const queries = useQueryClient();
  const deed = useMutation({
    mutationFn: () => restore(workspaceId),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: KEY });
      await queries.invalidateQueries({ queryKey: WORKSPACES });
    },
    onError: (error) => complain(error, "The workspace was not restored"),
  });
  return (
    <Button
      size="compact-sm"
      variant="default"
      loading={deed.isPending}
      onClick={() => deed.mutate()}
      aria-label={`Restore ${name ?? workspaceId}`}
    >
      Restore
    </Button>
  );
}
