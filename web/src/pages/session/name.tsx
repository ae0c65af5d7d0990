import { TextInput, Tooltip, UnstyledButton } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type KeyboardEvent, useState } from "react";
import { messageOf } from "#/api/problem";
import type { SessionView } from "#/api/schema";
import { rename } from "#/pages/sessions/acts";
import { useRoom } from "#/room/room";
import { fieldError } from "#/ui/form";
import styles from "./frame.module.css";

/** The session's name; a press on it changes it in its place. */
export function Name({ session }: { session: SessionView }) {
  const { may } = useRoom();
  const [editing, setEditing] = useState(false);
  if (editing) return <NameField session={session} close={() => setEditing(false)} />;
  if (!may("sessions:write")) return <h1 className={styles["name"]}>{session.name}</h1>;
  return (
    <h1 className={styles["name"]}>
      <Tooltip label="Rename">
        <UnstyledButton className={styles["rename"]} onClick={() => setEditing(true)}>
          {session.name}
        </UnstyledButton>
      </Tooltip>
    </h1>
  );
}

function NameField({ session, close }: { session: SessionView; close: () => void }) {
  const room = useRoom();
  const [name, setName] = useState(session.name);
  const renaming = useMutation({ mutationFn: () => rename(room, session.sessionId, name.trim()), onSuccess: close });
  const { error } = renaming;
  const save = () => {
    if (name.trim() === session.name || name.trim() === "") close();
    else if (!renaming.isPending) renaming.mutate();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") save();
    if (event.key === "Escape") close();
  };
  return (
    <TextInput
      aria-label="Name of the session"
      size="xs"
      value={name}
      onChange={(event) => setName(event.currentTarget.value)}
      onKeyDown={onKeyDown}
      onBlur={save}
      onFocus={(event) => event.currentTarget.select()}
      error={error && (fieldError(error, "/name") ?? messageOf(error))}
      disabled={renaming.isPending}
      ref={(input) => input?.focus()}
    />
  );
}
