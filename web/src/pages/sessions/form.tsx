import { TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { answer } from "#/api/client";
import { Once } from "#/api/once";
import type { NewSession, SessionView } from "#/api/schema";
import { useRoom } from "#/room/room";
import { FormDialog, fieldError } from "#/ui/form";
import { complain } from "#/ui/notify";
import { introduce, remove } from "./acts";
import { AUTH_POINTERS, type AuthDraft, AuthFields, authOf, NO_AUTH } from "./auth";
import { holdsCredential } from "./repo";

const POINTERS = ["/repoUrl", "/ref", "/name", ...AUTH_POINTERS];

interface Draft {
  repoUrl: string;
  ref: string;
  name: string;
  auth: AuthDraft;
}

function bodyOf({ repoUrl, ref, name, auth }: Draft): NewSession {
  const repository = repoUrl.trim();
  return {
    repoUrl: repository || null,
    ref: (repository && ref.trim()) || null,
    name: name.trim() || null,
    auth: repository ? authOf(auth) : null,
  };
}

/** Asks what to clone. `failed`: a session whose clone has failed; it gives way to the new one. */
export function NewSessionDialog({ failed, close }: { failed?: SessionView; close: () => void }) {
  const room = useRoom();
  const { api, workspaceId, live } = room;
  const [, go] = useLocation();
  const [once] = useState(() => new Once());
  const [draft, setDraft] = useState<Draft>({
    repoUrl: failed?.repoUrl ?? "",
    ref: failed?.ref ?? "",
    name: failed?.name ?? "",
    auth: NO_AUTH,
  });
  const set = (change: Partial<Draft>) => setDraft((before) => ({ ...before, ...change }));

  const create = useMutation({
    mutationFn: () => {
      const body = bodyOf(draft);
      const params = { path: { workspaceId }, header: { "Idempotency-Key": once.key(body) } };
      return answer(api.POST("/api/workspaces/{workspaceId}/sessions", { params, body }));
    },
    onSuccess: (session) => {
      introduce(live, session);
      close();
      go(`/w/${workspaceId}/s/${session.sessionId}`);
      if (failed) void remove(room, failed.sessionId).catch((error) => complain(error, "The failed session is still there"));
    },
  });
  const { error } = create;
  const cloned = draft.repoUrl.trim() !== "";
  const leaking = holdsCredential(draft.repoUrl);

  return (
    <FormDialog
      title={failed ? "Clone again" : "New session"}
      action={cloned ? "Clone" : "Create"}
      busy={create.isPending}
      error={error}
      fields={POINTERS}
      onSubmit={() => !leaking && create.mutate()}
      onClose={close}
    >
      <TextInput
        label="Repository"
        description="https://, ssh://, git:// or git@host:path. Empty for a new, empty repository."
        placeholder="https://github.com/owner/name.git"
        value={draft.repoUrl}
        onChange={(event) => set({ repoUrl: event.currentTarget.value })}
        error={leaking ? "Leave the password out of the address, and give it below." : fieldError(error, "/repoUrl")}
        inputMode="url"
        autoComplete="off"
        spellCheck={false}
        data-autofocus
      />
      {cloned && (
        <TextInput
          label="Branch, tag or commit"
          placeholder="The default branch"
          value={draft.ref}
          onChange={(event) => set({ ref: event.currentTarget.value })}
          error={fieldError(error, "/ref")}
          autoComplete="off"
          spellCheck={false}
        />
      )}
      <TextInput
        label="Name"
        placeholder={cloned ? "As the repository" : "session"}
        value={draft.name}
        onChange={(event) => set({ name: event.currentTarget.value })}
        error={fieldError(error, "/name")}
        autoComplete="off"
      />
      {cloned && <AuthFields draft={draft.auth} set={(auth) => set({ auth })} error={error} />}
    </FormDialog>
  );
}
