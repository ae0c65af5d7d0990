import { Button, Fieldset, Group, Stack, Text } from "@mantine/core";
import type { ProviderAuth } from "#/api/schema";
import { CredentialFields } from "#/pages/settings/credential";
import { KNOWN, titleOf } from "#/pages/settings/known";
import { fieldError } from "#/ui/form";

/** What is typed, by provider. */
export type Credentials = Readonly<Record<string, ProviderAuth>>;

interface Props {
  value: Credentials;
  error: unknown;
  onChange: (value: Credentials) => void;
}

/** Credentials of agents that a new workspace begins with. */
export function CredentialsFields({ value, error, onChange }: Props) {
  const without = (provider: string) => Object.fromEntries(Object.entries(value).filter(([name]) => name !== provider));
  return (
    <Fieldset legend="Agents (optional)">
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          Give the credentials with which agents sign in to their providers. They can be added later, and are never shown again.
        </Text>
        {Object.entries(value).map(([provider, auth]) => (
          <Fieldset key={provider} legend={titleOf(provider)}>
            <CredentialFields
              provider={provider}
              value={auth}
              error={fieldError(error, `/providers/${provider}/auth/value`)}
              onChange={(changed) => onChange({ ...value, [provider]: changed })}
            />
            <Button size="compact-xs" variant="subtle" color="gray" mt="xs" onClick={() => onChange(without(provider))}>
              Leave {titleOf(provider)} out
            </Button>
          </Fieldset>
        ))}
        <Group gap="xs">
          {Object.keys(KNOWN)
            .filter((provider) => value[provider] === undefined)
            .map((provider) => (
              <Button
                key={provider}
                size="compact-sm"
                variant="default"
                onClick={() => onChange({ ...value, [provider]: { type: "api_key", value: "" } })}
              >
                Add {titleOf(provider)}
              </Button>
            ))}
        </Group>
      </Stack>
    </Fieldset>
  );
}
