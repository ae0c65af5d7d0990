import { Anchor, Button, Divider, PasswordInput, Stack, Tabs, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { answer } from "#/api/client";
import { door } from "#/api/identity";
import { messageOf } from "#/api/problem";
import type { ProviderView } from "#/api/schema";
import { redeem, signInToWorkspace } from "./redeem";
import { returnPath } from "./return";

type Done = () => unknown;

/** Each way of signing in that this server has. `popup`: providers are opened beside the page, which stays as it is. */
export function Ways({ done, popup = false }: { done: Done; popup?: boolean }) {
  const providers = useQuery({ queryKey: ["sign-in"], queryFn: () => answer(door.GET("/api/auth/providers")) });
  const items = providers.data?.items ?? [];
  return (
    <Stack gap="md">
      {items.map((provider) => (
        <ProviderButton key={provider.name} provider={provider} popup={popup} />
      ))}
      {items.length > 0 && <Divider label="or" />}
      <Tabs defaultValue="workspace" keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="workspace">Workspace</Tabs.Tab>
          <Tabs.Tab value="link">One-time token</Tabs.Tab>
          {providers.data?.pam && <Tabs.Tab value="operator">Operator</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value="workspace">
          <Credentials
            fields={{
              name: { label: "Workspace id", placeholder: "w…", autoComplete: "username" },
              secret: "Workspace secret",
            }}
            submit={(id, secret) => signInToWorkspace(id, secret)}
            done={done}
          />
        </Tabs.Panel>
        <Tabs.Panel value="link">
          <Credentials
            fields={{ secret: "One-time token" }}
            submit={async (_, token) => {
              await redeem(token);
            }}
            done={done}
          />
        </Tabs.Panel>
        <Tabs.Panel value="operator">
          <Credentials
            fields={{ name: { label: "Account on this host", placeholder: "", autoComplete: "username" }, secret: "Password" }}
            submit={(user, password) => answer(door.POST("/api/auth/pam", { body: { user, password } }))}
            done={done}
          />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}

function ProviderButton({ provider, popup }: { provider: ProviderView; popup: boolean }) {
  const back = popup ? "/signin/done" : returnPath();
  const url = `${provider.url}${provider.url.includes("?") ? "&" : "?"}returnTo=${encodeURIComponent(back)}`;
  return (
    <Button component="a" href={url} variant="default" {...(popup && { target: "_blank", rel: "opener" })}>
      Sign in with {provider.title}
    </Button>
  );
}

interface Fields {
  name?: { label: string; placeholder: string; autoComplete: string };
  secret: string;
}

function Credentials({
  fields,
  submit,
  done,
}: {
  fields: Fields;
  submit: (name: string, secret: string) => Promise<unknown>;
  done: Done;
}) {
  const [name, setName] = useState("");
  const [secret, setSecret] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const onSubmit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await submit(name.trim(), secret.trim());
      await done();
    } catch (failure) {
      setError(messageOf(failure));
      setBusy(false);
    }
  };
  return (
    <Stack component="form" gap="sm" onSubmit={onSubmit}>
      {fields.name && (
        <TextInput
          {...fields.name}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          required
          spellCheck={false}
        />
      )}
      <PasswordInput
        label={fields.secret}
        value={secret}
        onChange={(event) => setSecret(event.currentTarget.value)}
        error={error}
        autoComplete="current-password"
        required
      />
      <Button type="submit" loading={busy}>
        Sign in
      </Button>
      {fields.name === undefined && (
        <Anchor size="xs" c="dimmed" href="/api/docs" target="_blank">
          A link with such a token signs in by itself
        </Anchor>
      )}
    </Stack>
  );
}
