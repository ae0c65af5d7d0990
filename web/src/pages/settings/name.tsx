import { Button, Group, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { ApiError } from "#/api/problem";
import { useRoom } from "#/room/room";
import { FormError, fieldError } from "#/ui/form";
import { say } from "#/ui/notify";
import { type Seen, useChange, workspaceQuery } from "./workspace";

/** The workspace's name. What two people change at once is not overwritten: the later one is told. */
export function NameForm({ seen }: { seen: Seen }) {
  const room = useRoom();
  const queries = useQueryClient();
  const [name, setName] = useState(seen.view.name);
  const change = useChange();
  const stale = change.error instanceof ApiError && change.error.status === 412;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate({ body: { name: name.trim() }, etag: seen.etag }, { onSuccess: () => say("The workspace has its new name") });
  };
  const reload = async () => {
    change.reset();
    const fresh = await queries.fetchQuery(workspaceQuery(room));
    setName(fresh.view.name);
  };
  return (
    <form onSubmit={submit}>
      <Group align="flex-start" gap="xs">
        <TextInput
          aria-label="Name of the workspace"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={fieldError(change.error, "/name")}
          maxLength={100}
          autoComplete="off"
          flex={1}
        />
        <Button
          type="submit"
          variant="default"
          loading={change.isPending}
          disabled={name.trim() === "" || name.trim() === seen.view.name}
        >
          Rename
        </Button>
      </Group>
      {stale ? (
        <Group gap="xs" mt="xs" role="alert" fz="sm">
          Somebody else has changed the workspace meanwhile.
          <Button size="compact-sm" variant="default" onClick={() => void reload()}>
            Show what it is now
          </Button>
        </Group>
      ) : (
        <FormError error={change.error} fields={["/name"]} />
      )}
    </form>
  );
}
