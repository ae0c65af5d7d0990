import { Text, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import type { SessionView } from "#/api/schema";
import { useRoom } from "#/room/room";
import { ConfirmDialog } from "#/ui/confirm";
import { FormDialog, fieldError } from "#/ui/form";
import { plural } from "#/ui/format";
import type { Activity } from "./activity";
import { remove, rename } from "./acts";

/** Asks for a session's new name. */
export function RenameDialog({ session, close }: { session: SessionView; close: () => void }) {
  const room = useRoom();
  const [name, setName] = useState(session.name);
  const renaming = useMutation({ mutationFn: () => rename(room, session.sessionId, name.trim()), onSuccess: close });
  return (
    <FormDialog
      title="Rename session"
      action="Rename"
      busy={renaming.isPending}
      error={renaming.error}
      fields={["/name"]}
      onSubmit={() => renaming.mutate()}
      onClose={close}
    >
      <TextInput
        label="Name"
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        onFocus={(event) => event.currentTarget.select()}
        error={fieldError(renaming.error, "/name")}
        autoComplete="off"
        required
        data-autofocus
      />
    </FormDialog>
  );
}

interface DeleteProps {
  session: SessionView;
  activity: Activity;
  close: () => void;
  /** After it is gone. */
  done?: () => void;
}

/** Asks whether a session is to be deleted, and says what is lost. */
export function DeleteDialog({ session, activity, close, done }: DeleteProps) {
  const room = useRoom();
  const act = async () => {
    await remove(room, session.sessionId);
    done?.();
  };
  const ended = running(activity);
  return (
    <ConfirmDialog
      opened
      close={close}
      title="Delete session"
      label="Delete"
      act={act}
      text={
        <>
          <Text size="sm">
            “{session.name}” is deleted with its files and worktrees. Commits that were not pushed are lost. There is no way
            back.
          </Text>
          {ended && (
            <Text size="sm" mt="xs">
              {ended} {activity.working + activity.terminals === 1 ? "is" : "are"} ended.
            </Text>
          )}
        </>
      }
    />
  );
}

function running({ working, terminals }: Activity): string {
  return [working && plural(working, "running turn"), terminals && plural(terminals, "terminal")].filter(Boolean).join(" and ");
}
