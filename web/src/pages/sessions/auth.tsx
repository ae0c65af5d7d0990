import { PasswordInput, SegmentedControl, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useId } from "@mantine/hooks";
import type { GitAuthType, NewGitAuth } from "#/api/schema";
import { fieldError } from "#/ui/form";

/** A credential for a git server as it is typed. */
export interface AuthDraft {
  type: GitAuthType | "none";
  value: string;
  username: string;
  knownHosts: string;
}

export const NO_AUTH: AuthDraft = { type: "none", value: "", username: "", knownHosts: "" };

/** The fields of AuthFields that show what is wrong with them. */
export const AUTH_POINTERS = ["/auth/value", "/auth/username", "/auth/knownHosts"];

/** What is sent of it. An SSH key ends with a line break, which is easily lost when it is pasted. */
export function authOf({ type, value, username, knownHosts }: AuthDraft): NewGitAuth | null {
  if (type === "none") return null;
  if (type === "token") return { type, value: value.trim(), username: username.trim() || null, knownHosts: null };
  return { type, value: `${value.trim()}\n`, username: null, knownHosts: knownHosts.trim() || null };
}

const TYPES = [
  { value: "none", label: "None" },
  { value: "token", label: "Token" },
  { value: "ssh_key", label: "SSH key" },
] satisfies { value: AuthDraft["type"]; label: string }[];

/** How to sign in to the git server. What is typed is used once and kept nowhere. */
export function AuthFields({ draft, set, error }: { draft: AuthDraft; set: (draft: AuthDraft) => void; error: unknown }) {
  const label = useId();
  return (
    <Stack gap={6}>
      <Text size="sm" fw={500} id={label}>
        Credential
      </Text>
      <SegmentedControl
        aria-labelledby={label}
        size="xs"
        data={TYPES}
        value={draft.type}
        onChange={(type) => set({ ...draft, type, value: "" })}
      />
      {draft.type === "token" && (
        <>
          <PasswordInput
            label="Token"
            description="Used once, and kept nowhere."
            value={draft.value}
            onChange={(event) => set({ ...draft, value: event.currentTarget.value })}
            error={fieldError(error, "/auth/value")}
            autoComplete="off"
            required
          />
          <TextInput
            label="User name"
            description="Only where the server wants one with the token."
            value={draft.username}
            onChange={(event) => set({ ...draft, username: event.currentTarget.value })}
            error={fieldError(error, "/auth/username")}
            autoComplete="off"
          />
        </>
      )}
      {draft.type === "ssh_key" && (
        <>
          <Textarea
            label="Private key"
            description="Used once, and kept nowhere."
            placeholder="-----BEGIN OPENSSH PRIVATE KEY-----"
            value={draft.value}
            onChange={(event) => set({ ...draft, value: event.currentTarget.value })}
            error={fieldError(error, "/auth/value")}
            autoComplete="off"
            spellCheck={false}
            rows={4}
            required
          />
          <Textarea
            label="Known hosts"
            description="Lines of a known_hosts file. Without them the server's key is trusted when it is first seen."
            value={draft.knownHosts}
            onChange={(event) => set({ ...draft, knownHosts: event.currentTarget.value })}
            error={fieldError(error, "/auth/knownHosts")}
            spellCheck={false}
            rows={2}
          />
        </>
      )}
    </Stack>
  );
}
