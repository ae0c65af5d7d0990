import { Button, Group, Text } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useState } from "react";
import { forPerson, problemOf } from "#/api/problem";
import { useRoom } from "#/room/room";
import { bytes } from "#/ui/format";
import { complain, say } from "#/ui/notify";
import { saveStream } from "./save";

/** All files of the workspace, as a download. */
export function Export() {
  const { workspaceId, bearer, may } = useRoom();
  const [got, setGot] = useState<number | null>(null);
  const url = `/api/workspaces/${workspaceId}/export`;
  const name = `${workspaceId}.tar.zst`;
  const token = bearer();
  const icon = <IconDownload size={14} aria-hidden />;

  if (!may("export")) return <Text size="sm">Only those who enter the room take its files out of it.</Text>;
  // With the cookie the browser downloads by itself, to the disk, whatever the size.
  if (token === null)
    return (
      <Button component="a" href={url} download={name} size="xs" variant="default" leftSection={icon}>
        Download all files
      </Button>
    );

  const run = async () => {
    setGot(0);
    try {
      await saveStream(name, () => exported(url, token), setGot);
      say("All files were downloaded");
    } catch (failure) {
      if (!(failure instanceof DOMException && failure.name === "AbortError"))
        complain(failure, "Not all files were downloaded");
    } finally {
      setGot(null);
    }
  };
  return (
    <Group gap="sm">
      <Button size="xs" variant="default" leftSection={icon} loading={got !== null} onClick={() => void run()}>
        Download all files
      </Button>
      {got !== null && (
        <Text size="sm" c="dimmed" role="status">
          {bytes(got)}
        </Text>
      )}
    </Group>
  );
}

async function exported(url: string, token: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const response = await fetch(url, { headers: { Authorization: `Bearer ${token}` } });
  if (!response.ok || response.body === null) throw forPerson(await problemOf(response));
  return response.body;
}
