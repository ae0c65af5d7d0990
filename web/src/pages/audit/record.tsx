import { Code, Group, Modal, Stack, Table, Text } from "@mantine/core";
import type { ReactNode } from "react";
import type { AuditRecordView } from "#/api/schema";
import { CalledText } from "#/names/called";
import { useNamed } from "#/names/names";
import { Copy } from "#/ui/copy";
import { plural } from "#/ui/format";
import { absolute } from "#/ui/time";
import classes from "./table.module.css";

/** All that a record says. */
export function RecordDialog({ record, close }: { record: AuditRecordView; close: () => void }) {
  return (
    <Modal opened onClose={close} title={record.action} size="lg">
      <Stack gap="sm">
        {record.count > 1 && (
          <Text size="sm">
            This record stands for {plural(record.count, "event")} of the same kind: in a flood not each gets one of its own.
          </Text>
        )}
        {record.waited > 0 && (
          <Text size="sm">
            It was written {plural(record.waited, "second")} after it happened, for the log could not be reached.
          </Text>
        )}
        <Table variant="vertical" layout="fixed" verticalSpacing={4} aria-label="The record">
          <Table.Tbody>
            <Fact name="Time">{absolute(record.time)}</Fact>
            <Fact name="Outcome">{record.outcome}</Fact>
            <Id name="Actor" value={record.actor} />
            <Id name="Credential" value={record.credential} />
            <Id name="Address" value={record.address} />
            <Id name="Workspace" value={record.workspaceId} />
            <Id name="Organisation" value={record.organisationId} />
            <Id name="Target" value={record.target} />
            <Id name="Request" value={record.requestId} />
            <Fact name="Source">{record.source}</Fact>
            <Fact name="Number">{record.seq}</Fact>
          </Table.Tbody>
        </Table>
        <Group gap={4} align="flex-start" wrap="nowrap">
          <Code block flex={1} tabIndex={0} role="region" aria-label="The record as JSON">
            {JSON.stringify(record, null, 2)}
          </Code>
          <Copy value={JSON.stringify(record, null, 2)} label="the record as JSON" />
        </Group>
      </Stack>
    </Modal>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Table.Tr>
      <Table.Th w={130}>{name}</Table.Th>
      <Table.Td>{children}</Table.Td>
    </Table.Tr>
  );
}

function Name({ id }: { id: string }) {
  const named = useNamed(id);
  return (
    named && (
      <Text size="sm" className={classes.id}>
        <CalledText id={id} />
      </Text>
    )
  );
}

function Id({ name, value }: { name: string; value: string | null }) {
  return (
    <Fact name={name}>
      {value ? (
        <Group gap={4} wrap="nowrap">
          <div>
            <Name id={value} />
            <Text size="sm" ff="monospace" className={classes.id}>
              {value}
            </Text>
          </div>
          <Copy value={value} label={`the ${name.toLowerCase()}`} />
        </Group>
      ) : (
        <Text size="sm" c="dimmed">
          none
        </Text>
      )}
    </Fact>
  );
}
