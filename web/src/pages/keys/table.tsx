import { Badge, Button, Group, Table, Text, Tooltip, VisuallyHidden } from "@mantine/core";
import type { ReactNode } from "react";
import type { KeyView } from "#/api/schema";
import { CalledText, Maker } from "#/names/called";
import { Confirm } from "#/ui/confirm";
import { Copy } from "#/ui/copy";
import { plural } from "#/ui/format";
import { Ago } from "#/ui/time";

/** What is done with a key of the list; null where the person may not. */
export interface Deeds {
  edit: (key: KeyView) => void;
  rotate: (key: KeyView) => void;
  revoke: (key: KeyView) => Promise<unknown>;
}

const COLOURS: Readonly<Record<KeyView["status"], string>> = { live: "teal", expired: "gray", revoked: "red" };

/** Keys, one a row. */
export function KeyTable({ keys, deeds }: { keys: readonly KeyView[]; deeds: Deeds | null }) {
  return (
    <Table.ScrollContainer minWidth={820}>
      <Table highlightOnHover verticalSpacing={6} aria-label="Keys">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th>
            <Table.Th>May</Table.Th>
            <Table.Th>Used</Table.Th>
            <Table.Th>Expires</Table.Th>
            <Table.Th>Made</Table.Th>
            {deeds && (
              <Table.Th>
                <VisuallyHidden>What can be done</VisuallyHidden>
              </Table.Th>
            )}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {keys.map((key) => (
            <Row key={key.keyId} view={key} deeds={deeds} replaced={keys.find((other) => other.keyId === key.replaces)} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function Row({ view, deeds, replaced }: { view: KeyView; deeds: Deeds | null; replaced: KeyView | undefined }) {
  return (
    <Table.Tr>
      <Table.Td>
        <Group gap={6} wrap="nowrap">
          <Text size="sm" fw={500} lineClamp={1}>
            {view.name}
          </Text>
          {view.status !== "live" && (
            <Badge size="sm" variant="light" color={COLOURS[view.status]}>
              {view.status}
            </Badge>
          )}
        </Group>
        <Group gap={4} wrap="nowrap">
          <Small mono>{view.prefix}…</Small>
          <Copy value={view.keyId} label={`the id of key ${view.name}`} />
        </Group>
        {view.replaces && <Small>replaces {replaced ? `${replaced.prefix}…` : view.replaces}</Small>}
      </Table.Td>
      <Table.Td>
        <Rights view={view} />
      </Table.Td>
      <Table.Td>
        <Text size="sm" className="numbers">
          {plural(view.uses, "request")}
        </Text>
        <Small>{view.lastUsedAt ? <Ago at={view.lastUsedAt} /> : "not used yet"}</Small>
      </Table.Td>
      <Table.Td>
        <Text size="sm" component="div">
          {view.revokedAt ? (
            <>
              revoked <Ago at={view.revokedAt} />
            </>
          ) : view.expiresAt ? (
            <Ago at={view.expiresAt} />
          ) : (
            "never"
          )}
        </Text>
      </Table.Td>
      <Table.Td>
        <Text size="sm" component="div">
          <Ago at={view.createdAt} />
        </Text>
        <Small>
          by <Maker by={view.createdBy} />
        </Small>
      </Table.Td>
      {deeds && <Table.Td>{view.status === "live" && <RowDeeds view={view} deeds={deeds} />}</Table.Td>}
    </Table.Tr>
  );
}

function RowDeeds({ view, deeds }: { view: KeyView; deeds: Deeds }) {
  const name = view.name;
  return (
    <Group gap={4} wrap="nowrap" justify="flex-end">
      <Button size="compact-xs" variant="subtle" aria-label={`Edit ${name}`} onClick={() => deeds.edit(view)}>
        Edit
      </Button>
      <Button size="compact-xs" variant="subtle" aria-label={`Rotate ${name}`} onClick={() => deeds.rotate(view)}>
        Rotate
      </Button>
      <Confirm
        size="compact-xs"
        variant="subtle"
        aria-label={`Revoke ${name}`}
        title={`Revoke “${name}”?`}
        text="It is good no more, at once: whoever uses it is shut out, and its open connections are closed. It cannot be taken back."
        act={() => deeds.revoke(view)}
      >
        Revoke
      </Confirm>
    </Group>
  );
}

/** The rank that it was made with, and all that it may do for who points at it. */
function Rights({ view }: { view: KeyView }) {
  const number = plural(view.scopes.length, "right");
  return (
    <>
      <Tooltip label={view.scopes.join(", ")} multiline maw={360} events={{ hover: true, focus: true, touch: true }}>
        <Badge variant="default" tt="none" miw="max-content" tabIndex={0}>
          {view.rank ?? number}
        </Badge>
      </Tooltip>
      <Small>{view.rank && number}</Small>
      {view.workspaces && (
        <Tooltip
          label={view.workspaces.map((id) => (
            <div key={id} title={id}>
              <CalledText id={id} />
            </div>
          ))}
          multiline
          maw={360}
          events={{ hover: true, focus: true, touch: true }}
        >
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the tooltip is for the keyboard too */}
          <span tabIndex={0}>
            <Small>in {plural(view.workspaces.length, "workspace")} only</Small>
          </span>
        </Tooltip>
      )}
    </>
  );
}

function Small({ children, mono = false }: { children: ReactNode; mono?: boolean }) {
  return (
    <Text size="xs" c="dimmed" component="div" {...(mono && { ff: "monospace" })}>
      {children}
    </Text>
  );
}
