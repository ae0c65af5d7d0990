import { Alert, Badge, Button, Code, Group, Paper, Stack, Tabs, Text, Title } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import { IconDownload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { answer } from "#/api/client";
import type { Connection } from "#/api/schema";
import { roomKey } from "#/room/key";
import { useRoom } from "#/room/room";
import { Copy, download } from "#/ui/copy";
import { Shown } from "#/ui/states";
import { CLIENTS, type Step, stepsOf } from "./clients";
import { TryIt } from "./try";

/** All that connects an agent somewhere else to the workspace. `revealed` is the key that is being shown, if one is. */
export function Connect({ revealed }: { revealed: string | null }) {
  const { workspaceId, api, may } = useRoom();
  const query = useQuery({
    queryKey: roomKey(workspaceId, "connect"),
    queryFn: () => answer(api.GET("/api/workspaces/{workspaceId}/connect", { params: { path: { workspaceId } } })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Stack gap="sm" component="section" aria-label="Connect">
      <div>
        <Title order={2} size="h4">
          Connect
        </Title>
        <Text size="sm" c="dimmed">
          Let an agent on another machine work in this workspace.
        </Text>
      </div>
      {revealed === null ? (
        <Text size="sm">
          The files name the variable <Code>HOSTEL_KEY</Code>.{" "}
          {may("keys:write")
            ? "Make a key above and it is filled in for as long as it is shown."
            : "Put a key there that somebody who manages the workspace has given you."}
        </Text>
      ) : (
        <Alert color="orange" variant="light" py="xs">
          The key that you have just made is filled in where it is marked. It is in this page only, until it is left.
        </Alert>
      )}
      {/* What was found of one key says nothing of another. */}
      <TryIt key={revealed} revealed={revealed} />
      <Shown query={query}>{(connection) => <Tools connection={connection} revealed={revealed} />}</Shown>
    </Stack>
  );
}

function Tools({ connection, revealed }: { connection: Connection; revealed: string | null }) {
  const [tool, setTool] = useLocalStorage({ key: "hostel.connect", defaultValue: CLIENTS[0]?.id ?? "" });
  return (
    <Tabs value={tool} onChange={(chosen) => setTool(chosen ?? "")} keepMounted={false}>
      <Tabs.List>
        {CLIENTS.map(({ id, title }) => (
          <Tabs.Tab key={id} value={id}>
            {title}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {CLIENTS.map((client) => (
        <Tabs.Panel key={client.id} value={client.id} pt="sm">
          <Stack gap="sm">
            {stepsOf(client, connection, revealed).map((step, index) => (
              <File key={step.item.name} number={index + 1} step={step} />
            ))}
          </Stack>
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}

function File({ number, step }: { number: number; step: Step }) {
  const { item, title, hint, secret } = step;
  return (
    <Paper withBorder p="sm">
      <Group justify="space-between" gap="xs" wrap="nowrap" align="flex-start">
        <div>
          <Group gap={6}>
            <Text size="sm" fw={500}>
              {number}. {title}
            </Text>
            <Code>{item.path}</Code>
            {secret && (
              <Badge size="sm" variant="default" tt="none">
                holds the key
              </Badge>
            )}
          </Group>
          <Text size="xs" c="dimmed" mt={2}>
            {hint}
          </Text>
        </div>
        <Group gap={4} wrap="nowrap">
          <Copy value={item.content} label={item.path} />
          <Button
            size="compact-xs"
            variant="subtle"
            leftSection={<IconDownload size={14} aria-hidden />}
            aria-label={`Download ${item.path}`}
            onClick={() => download(item.path.replace(/^.*\//, ""), item.content, item.mediaType)}
          >
            Download
          </Button>
        </Group>
      </Group>
      <Code block mt="xs" mah={220} tabIndex={0} role="region" aria-label={item.path}>
        {item.content}
      </Code>
    </Paper>
  );
}
