import { Button, Paper, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";
import { answer } from "#/api/client";
import { door } from "#/api/identity";
import { messageOf } from "#/api/problem";
import { keepRoom } from "#/api/rooms";
import { Deleted } from "#/pages/settings/deletion";
import { workspaceQuery } from "#/pages/settings/workspace";
import { Page } from "#/ui/page";
import { LoadingState } from "#/ui/states";
import { type Room, useRoom } from "./room";

/** What is inside of the room, for those who may enter it; the others can open it with its secret. */
export function Unlock({ children }: { children: ReactNode }) {
  const room = useRoom();
  return room.may("sessions:read") ? children : <Closed room={room} />;
}

function Closed({ room }: { room: Room }) {
  const query = useQuery(workspaceQuery(room));
  if (query.isPending) return <LoadingState label="Opening the workspace" />;
  if (query.data?.view.status !== "deleted") return <Locked workspaceId={room.workspaceId} />;
  return (
    <Page title={query.data.view.name}>
      <Deleted view={query.data.view} />
    </Page>
  );
}

/** Open a room with its secret, for this tab alone. Throws an ApiError. */
export async function openRoom(workspaceId: string, workspaceSecret: string): Promise<void> {
  const { workspaceToken, expiresIn } = await answer(
    door.POST("/api/workspaces/login", { body: { workspaceId, workspaceSecret } }),
  );
  keepRoom(workspaceId, workspaceToken, expiresIn);
}

function Locked({ workspaceId }: { workspaceId: string }) {
  const [secret, setSecret] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await openRoom(workspaceId, secret.trim());
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Paper maw={440} mx="auto" mt="xl" p="lg" withBorder component="form" onSubmit={submit}>
      <Stack gap="sm">
        <Title order={1} size="h4">
          This room is closed to you
        </Title>
        <Text size="sm" c="dimmed">
          Administrators manage workspaces but do not enter them. With the workspace's secret you can open it, in this tab and
          for a day.
        </Text>
        <PasswordInput
          label="Workspace secret"
          value={secret}
          onChange={(event) => setSecret(event.currentTarget.value)}
          error={error === null ? undefined : messageOf(error)}
          autoComplete="off"
          required
          data-autofocus
        />
        <Button type="submit" loading={busy}>
          Open
        </Button>
      </Stack>
    </Paper>
  );
}
