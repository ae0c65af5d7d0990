import { Button, FileButton, Group, NativeSelect, PasswordInput, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { messageOf } from "#/api/problem";
import type { AuthType, ProviderAuth } from "#/api/schema";
import { KINDS, KNOWN, kindsOf } from "./known";

interface Props {
  provider: string;
  value: ProviderAuth;
  error: string | null;
  onChange: (value: ProviderAuth) => void;
}

/** A credential as it is typed, pasted, or taken from the file in which an agent keeps its sign-in. It is never shown again. */
export function CredentialFields({ provider, value, error, onChange }: Props) {
  const [unread, setUnread] = useState<string | null>(null);
  const kinds = kindsOf(provider);
  const take = async (file: File | null) => {
    if (file === null) return;
    try {
      onChange({ ...value, value: base64(new Uint8Array(await file.arrayBuffer())) });
      setUnread(null);
    } catch (failure) {
      setUnread(messageOf(failure));
    }
  };
  return (
    <Stack gap="xs">
      <NativeSelect
        label="Kind"
        value={value.type}
        onChange={(event) => {
          const type = kinds.find((kind) => kind === event.currentTarget.value);
          if (type) onChange({ type, value: "" });
        }}
        data={kinds.map((kind) => ({ value: kind, label: sentence(KINDS[kind]) }))}
      />
      <PasswordInput
        label={sentence(KINDS[value.type])}
        description={hint(provider, value.type)}
        value={value.value}
        onChange={(event) => onChange({ ...value, value: event.currentTarget.value })}
        error={error ?? unread}
        autoComplete="off"
        spellCheck={false}
      />
      {value.type === "auth_json_b64" && (
        <Group gap="xs">
          <FileButton onChange={(file) => void take(file)}>
            {(props) => (
              <Button {...props} size="xs" variant="default">
                Choose the file
              </Button>
            )}
          </FileButton>
          <Text size="xs" c="dimmed">
            It stays in this page until you save.
          </Text>
        </Group>
      )}
    </Stack>
  );
}

/** Where such a credential comes from. */
function hint(provider: string, type: AuthType): string {
  if (type === "setup_token") return "What `claude setup-token` prints.";
  if (type === "api_key") return "From the provider's own console.";
  const file = KNOWN[provider]?.file;
  return file ? `${file} of a computer on which you are signed in, as base64.` : "The agent's own sign-in file, as base64.";
}

function sentence(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function base64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
