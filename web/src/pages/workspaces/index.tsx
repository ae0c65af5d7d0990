import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { Link, useLocation } from "wouter";
import { may } from "#/api/identity";
import type { Me, WorkspaceView } from "#/api/schema";
import { useLiveWorkspaces } from "#/live/rows";
import { type Command, useCommands } from "#/shell/commands";
import { Page } from "#/ui/page";
import { EmptyState, Shown } from "#/ui/states";
import { WorkspaceList } from "./list";
import { useHomes, useOwnerNames, workspacesQuery } from "./queries";

/** More would drown the other commands. */
const OFFERED = 200;
const NONE: readonly WorkspaceView[] = [];

/** The workspaces that the person reaches. */
export default function Workspaces({ me }: { me: Me }) {
  useLiveWorkspaces();
  const query = useQuery(workspacesQuery);
  const owners = useOwnerNames(me);
  const creates = useHomes(me).length > 0;
  useOffered(query.data ?? NONE, creates);
  const create = creates && (
    <Button component={Link} href="/new" size="xs">
      New workspace
    </Button>
  );
  const found = !creates && may(me, "organisations:create") && (
    <Button component={Link} href="/orgs" size="xs">
      Make an organisation
    </Button>
  );
  return (
    <Page title="Workspaces" actions={create}>
      <Shown query={query} label="Looking for workspaces">
        {(items) =>
          items.length > 0 ? (
            <WorkspaceList items={items} owners={owners} />
          ) : (
            <EmptyState title="No workspace yet" action={create || found}>
              A workspace is a Linux user of its own: its sessions, agents and terminals are closed to all others.{" "}
              {found
                ? "It belongs to an organisation: make one first, or join one that you are invited to."
                : !creates && "Ask an administrator to make one for you, or to invite you to an organisation."}
            </EmptyState>
          )
        }
      </Shown>
    </Page>
  );
}

function useOffered(items: readonly WorkspaceView[], creates: boolean): void {
  const [, go] = useLocation();
  const offered = useMemo<Command[]>(
    () => [
      ...(creates ? [{ id: "new-workspace", group: "Workspaces", label: "New workspace", run: () => go("/new") }] : []),
      ...items.slice(0, OFFERED).map(({ workspaceId, name }) => ({
        id: `open ${workspaceId}`,
        group: "Open workspace",
        label: name,
        run: () => go(`/w/${workspaceId}`),
      })),
    ],
    [items, creates, go],
  );
  useCommands(offered);
}
