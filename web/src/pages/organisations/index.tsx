import { Anchor, Badge, Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { Link } from "wouter";
import { may } from "#/api/identity";
import type { Me, OrganisationView } from "#/api/schema";
import { type Command, useCommands } from "#/shell/commands";
import { Page } from "#/ui/page";
import { Row, Rows } from "#/ui/rows";
import { EmptyState, Shown } from "#/ui/states";
import { Ago } from "#/ui/time";
import { CreateOrganisation } from "./create";
import { organisationsQuery } from "./data";
import { Invited } from "./invited";

/** The organisations that the person sees, and the way into others. */
export default function Organisations({ me }: { me: Me }) {
  const query = useQuery(organisationsQuery);
  const [creating, setCreating] = useState(false);
  const [joining, setJoining] = useState(false);
  const creates = may(me, "organisations:create");
  const joins = me.role === "person";
  const offered = useMemo<Command[]>(
    () => [
      ...(creates ? [command("new-organisation", "New organisation", () => setCreating(true))] : []),
      ...(joins ? [command("join-organisation", "Join an organisation", () => setJoining(true))] : []),
    ],
    [creates, joins],
  );
  useCommands(offered);
  const actions = (
    <>
      {joins && (
        <Button size="xs" variant="default" onClick={() => setJoining(true)}>
          Join by invitation
        </Button>
      )}
      {creates && (
        <Button size="xs" onClick={() => setCreating(true)}>
          New organisation
        </Button>
      )}
    </>
  );
  return (
    <Page title="Organisations" actions={actions}>
      <Invited me={me} typing={joining} stop={() => setJoining(false)} />
      <Shown query={query} label="Looking for organisations">
        {(items) =>
          items.length > 0 ? (
            <List items={items} />
          ) : (
            <EmptyState title="No organisation yet">
              An organisation owns workspaces, which its members and its keys reach.{" "}
              {creates ? "Make one, and invite others." : "Somebody who manages one can invite you."}
            </EmptyState>
          )
        }
      </Shown>
      {creating && <CreateOrganisation close={() => setCreating(false)} />}
    </Page>
  );
}

function command(id: string, label: string, run: () => void): Command {
  return { id, label, group: "Organisations", run };
}

function List({ items }: { items: readonly OrganisationView[] }) {
  return (
    <Rows label="Organisations">
      {items.map(({ organisationId, name, slug, rank, createdAt }) => (
        <Row
          key={organisationId}
          title={
            <Anchor component={Link} href={`/orgs/${organisationId}`} size="sm" fw={500}>
              {name}
            </Anchor>
          }
          meta={
            <>
              <code>{slug}</code>
              <span>
                Made <Ago at={createdAt} />
              </span>
            </>
          }
          actions={
            rank && (
              <Badge variant="light" tt="none">
                {rank}
              </Badge>
            )
          }
        />
      ))}
    </Rows>
  );
}
