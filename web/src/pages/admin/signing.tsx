import { Badge, Stack } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { answer } from "#/api/client";
import { api } from "#/api/identity";
import type { SigningKeyView } from "#/api/schema";
import { Section } from "#/pages/settings/section";
import { Confirm } from "#/ui/confirm";
import { Copy } from "#/ui/copy";
import { plural } from "#/ui/format";
import { say } from "#/ui/notify";
import { Row, Rows } from "#/ui/rows";
import { Shown } from "#/ui/states";
import { Ago, Countdown } from "#/ui/time";

const KEY = ["signing-keys"] as const;

/** The server's own keys: those that sign tokens, and the one that seals what is stored. */
export function ServerKeys() {
  const queries = useQueryClient();
  const query = useQuery({ queryKey: KEY, queryFn: () => answer(api.GET("/api/signing-keys")) });
  const refresh = () => queries.invalidateQueries({ queryKey: KEY });
  const rotate = async () => {
    await answer(api.POST("/api/signing-keys"));
    say("New tokens are signed with the new key");
    await refresh();
  };
  const revoke = async (signingKeyId: string) => {
    await api.DELETE("/api/signing-keys/{signingKeyId}", { params: { path: { signingKeyId } } });
    await refresh();
  };
  const reseal = async () => {
    const { resealed } = await answer(api.POST("/api/seal-keys"));
    say(`${plural(resealed, "value")} sealed anew`);
  };
  return (
    <>
      <Section title="Signing keys" about="They sign the access tokens of everybody who is signed in.">
        <Stack gap="sm" align="stretch">
          <Shown query={query}>
            {({ items }) => (
              <Rows label="Signing keys">
                {items.map((item) => (
                  <SigningKey key={item.keyId} item={item} revoke={() => revoke(item.keyId)} />
                ))}
              </Rows>
            )}
          </Shown>
          <div>
            <Confirm
              color="blue"
              title="Sign with a new key?"
              text="The key before verifies until its last token has expired, so nobody has to sign in again."
              act={rotate}
            >
              New signing key
            </Confirm>
          </div>
        </Stack>
      </Section>
      <Section title="Seal key" about="It seals what is stored: secrets, webhooks, tasks, schedules.">
        <Confirm
          color="blue"
          title="Seal what is stored under a new key?"
          text="Every sealed value is written anew. One that is cut short is finished by the next."
          act={reseal}
        >
          New seal key
        </Confirm>
      </Section>
    </>
  );
}

function SigningKey({ item, revoke }: { item: SigningKeyView; revoke: () => Promise<void> }) {
  return (
    <Row
      title={
        <>
          <code style={{ overflowWrap: "anywhere" }}>{item.keyId}</code>
          <Copy value={item.keyId} label="the key's id" />
          {item.signs && (
            <Badge color="teal" variant="light" tt="none">
              Signs
            </Badge>
          )}
        </>
      }
      meta={
        <>
          <span>
            {item.createdAt ? (
              <>
                Made <Ago at={item.createdAt} />
              </>
            ) : (
              "The server's first"
            )}
          </span>
          {item.verifiesUntil && (
            <span>
              Verifies for <Countdown at={item.verifiesUntil} />
            </span>
          )}
        </>
      }
      actions={
        <Confirm
          size="compact-sm"
          title="Revoke the signing key at once?"
          text={
            "No token that it signed is good any more: whoever has one signs in again, perhaps you too." +
            (item.signs ? " A new key is made first." : "")
          }
          act={revoke}
        >
          Revoke
        </Confirm>
      }
    />
  );
}
