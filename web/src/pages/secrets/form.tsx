import { MultiSelect, Radio, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answer } from "#/api/client";
import type { SecretView } from "#/api/schema";
import { useLive } from "#/live/room";
import { roomKey } from "#/room/key";
import { useRoom } from "#/room/room";
import { FormDialog, fieldError } from "#/ui/form";
import { NAME_RULES, nameError } from "./name";

/** The form of a new secret, or of another value for `known`. Nobody can look at the value that is there. */
export function SecretForm({ known, onClose }: { known: SecretView | null; onClose: () => void }) {
  const { workspaceId, api } = useRoom();
  const queries = useQueryClient();
  const [name, setName] = useState(known?.name ?? "");
  const [value, setValue] = useState("");
  const [sessions, setSessions] = useState<string[] | null>(known?.sessions ?? null);
  const saving = useMutation({
    mutationFn: () => {
      const path = { workspaceId, secretName: name };
      const body = { value, sessions };
      return answer(api.PUT("/api/workspaces/{workspaceId}/secrets/{secretName}", { params: { path }, body }));
    },
    onSuccess: () => {
      onClose();
      void queries.invalidateQueries({ queryKey: roomKey(workspaceId, "secrets") });
    },
  });
  const wrong = nameError(name);
  return (
    <FormDialog
      title={known === null ? "New secret" : `Set ${known.name} anew`}
      action={known === null ? "Set secret" : "Replace value"}
      busy={saving.isPending}
      error={saving.error}
      fields={["/value", "/sessions"]}
      onSubmit={() => wrong === null && saving.mutate()}
      onClose={onClose}
    >
      {known === null && (
        <TextInput
          label="Name"
          description={NAME_RULES}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={wrong}
          styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
          autoComplete="off"
          spellCheck={false}
          required
          data-autofocus
        />
      )}
      <Textarea
        label="Value"
        description="Nobody can read it again, here or by the API."
        value={value}
        onChange={(event) => setValue(event.currentTarget.value)}
        error={fieldError(saving.error, "/value")}
        autosize
        minRows={2}
        maxRows={8}
        autoComplete="off"
        spellCheck={false}
        required
        {...(known !== null && { "data-autofocus": true })}
      />
      <SessionsField sessions={sessions} onChange={setSessions} error={fieldError(saving.error, "/sessions")} />
      <Text size="xs" c="dimmed">
        Programs get it as an environment variable at their next start; those that run keep what they have.
      </Text>
    </FormDialog>
  );
}

interface SessionsProps {
  /** Null: all. */
  sessions: string[] | null;
  onChange: (sessions: string[] | null) => void;
  error: string | null;
}

function SessionsField({ sessions, onChange, error }: SessionsProps) {
  const { live } = useRoom();
  const known = useLive(live, (state) => state.sessions);
  return (
    <Stack gap={6}>
      <Radio.Group
        label="Whose programs get it"
        value={sessions === null ? "all" : "some"}
        onChange={(value) => onChange(value === "all" ? null : [])}
      >
        <Stack gap={6} mt={6}>
          <Radio value="all" label="Those of all sessions" />
          <Radio value="some" label="Those of chosen sessions" />
        </Stack>
      </Radio.Group>
      {sessions !== null && (
        <MultiSelect
          aria-label="Sessions"
          placeholder={sessions.length === 0 ? "Choose sessions" : ""}
          data={[...known.values()].map(({ sessionId, name }) => ({ value: sessionId, label: name }))}
          value={sessions}
          onChange={onChange}
          error={error}
          limit={50}
          searchable
        />
      )}
    </Stack>
  );
}
