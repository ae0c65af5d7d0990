import { Anchor, Code, Group, Spoiler, Stack, Table } from "@mantine/core";
import type { ReactNode } from "react";
import { Link } from "wouter";
import type { Me } from "#/api/schema";
import { plural } from "#/ui/format";
import { Countdown } from "#/ui/time";

const ROLES: Readonly<Record<Me["role"], string>> = {
  admin: "Administrator of the host",
  person: "Person",
  workspace: "Workspace",
  organisation: "Key of an organisation",
  anonymous: "Nobody",
};

/** Whom the sign-in stands for, and what it may do. */
export function Identity({ me }: { me: Me }) {
  const id = me.personId ?? me.workspaceId ?? me.organisationId;
  return (
    <Table variant="vertical" layout="fixed" verticalSpacing={4}>
      <Table.Tbody>
        <Line label="Role">{ROLES[me.role]}</Line>
        {me.name && <Line label="Name">{me.name}</Line>}
        {me.email && <Line label="Email">{me.email}</Line>}
        {id && (
          <Line label="Id">
            <code>{id}</code>
          </Line>
        )}
        {me.role === "person" && (
          <Line label="Organisations">
            <Memberships me={me} />
          </Line>
        )}
        <Line label="Sign-in ends">
          {me.expiresAt ? (
            <>
              In <Countdown at={me.expiresAt} />
            </>
          ) : (
            "When somebody ends it"
          )}
        </Line>
        <Line label="May do">
          <Spoiler maxHeight={24} showLabel={`Show all ${plural(me.scopes.length, "right")}`} hideLabel="Show less">
            <Group gap={4}>
              {me.scopes.map((scope) => (
                <Code key={scope}>{scope}</Code>
              ))}
            </Group>
          </Spoiler>
        </Line>
      </Table.Tbody>
    </Table>
  );
}

function Line({ label, children }: { label: string; children: ReactNode }) {
  return (
    <Table.Tr>
      <Table.Th w={130}>{label}</Table.Th>
      <Table.Td style={{ overflowWrap: "anywhere" }}>{children}</Table.Td>
    </Table.Tr>
  );
}

function Memberships({ me }: { me: Me }) {
  if (me.organisations.length === 0) return "None yet. Somebody has to invite you.";
  return (
    <Stack gap={2}>
      {me.organisations.map(({ organisationId, name, rank }) => (
        <span key={organisationId}>
          <Anchor component={Link} href={`/orgs/${organisationId}`} inherit>
            {name}
          </Anchor>
          , {rank}
        </span>
      ))}
    </Stack>
  );
}
