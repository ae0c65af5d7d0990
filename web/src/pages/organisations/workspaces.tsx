import { Anchor, Badge, Button, Group, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import type { WorkspaceView } from "#/api/schema";
import { Row, Rows } from "#/ui/rows";
import { EmptyState, Shown } from "#/ui/states";
import { Ago } from "#/ui/time";
import { ownedQuery, type SectionProps } from "./data";

/** The workspaces that an organisation owns. */
export function OwnedWorkspaces({ seen, standing }: SectionProps) {
  const { organisationId } = seen.view;
  const query = useQuery(ownedQuery(organisationId));
  const create = standing.manages && (
    <Button component={Link} href="/new" size="xs">
      New workspace
    </Button>
  );
  return (
    <Shown query={query} label="Looking for workspaces">
      {(items) =>
        items.length > 0 ? (
          <Stack gap="xs">
            <Group justify="flex-end">{create}</Group>
            <List items={items} />
          </Stack>
        ) : (
          <EmptyState title="No workspace yet" action={create}>
            A workspace of an organisation is open to its members, each by their rank.
          </EmptyState>
        )
      }
    </Shown>
  );
}

function List({ items }: { items: readonly WorkspaceView[] }) {
  return (
    <Rows label="Workspaces">
      {items.map(({ workspaceId, name, status, createdAt }) => (
        <Row
          key={workspaceId}
          title={
            <Anchor component={Link} href={`/w/${workspaceId}`} size="sm" fw={500}>
              {name}
            </Anchor>
          }
          meta={
            <>
              <code>{workspaceId}</code>
              <span>
                Made <Ago at={createdAt} />
              </span>
            </>
          }
          actions={
            <Badge variant="default" tt="none">
              {status}
            </Badge>
          }
        />
      ))}
    </Rows>
  );
}
