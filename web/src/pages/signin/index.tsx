import { Anchor, Button, Center, Paper, Stack, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link as RouteLink, useLocation } from "wouter";
import { settle } from "#/api/identity";
import { messageOf } from "#/api/problem";
import { forgetRooms } from "#/api/rooms";
import type { Me } from "#/api/schema";
import { whoIs } from "#/shell/who";
import { Reveal } from "#/ui/copy";
import { LoadingState } from "#/ui/states";
import { claimLink, type Link, settleLink } from "./link";
import { redeem } from "./redeem";
import { returnPath } from "./return";
import { tellSignedIn } from "./tabs";
import { Ways } from "./ways";

/** What `#signin-error=` says. */
const REFUSALS: ReadonlyMap<string, string> = new Map([
  [
    "unauthorized",
    "You are not signed in: the sign-in took too long, was used before, or was refused by whoever knows you. Try again.",
  ],
  ["forbidden", "You are not signed in: this account may not use this server."],
  ["timeout", "You are not signed in: whoever knows you did not answer in time. Try again."],
  ["unavailable", "You are not signed in: whoever knows you cannot be reached, or gave no answer that holds. Try again later."],
]);

/** The ways in. `me` is who the browser is signed in as already. */
export default function SignIn({ me, link }: { me: Me | null; link: Link | null }) {
  useDocumentTitle("Sign in · hostel");
  const queries = useQueryClient();
  const [path, go] = useLocation();
  const [error, setError] = useState<string | null>(null);
  const [key, setKey] = useState<{ key: string; workspaceId: string } | null>(null);
  // Anybody can make a link: who is signed in says first whether it is to be somebody else from here on.
  const [wanted, setWanted] = useState(me === null);
  const [busy, setBusy] = useState(link?.kind === "redeem" && wanted);

  const enter = async () => {
    settle();
    if (me !== null) forgetRooms();
    tellSignedIn();
    await queries.resetQueries();
    if (path.startsWith("/signin")) go(returnPath(), { replace: true });
    settleLink();
  };

  // A provider has sent this window back, which a page that waits has opened. Some browsers do not let it close itself.
  const returned = path === "/signin/done" && me !== null;
  useEffect(() => {
    if (!returned) return;
    tellSignedIn();
    window.close();
  }, [returned]);

  useEffect(() => {
    if (link === null || (link.kind === "redeem" && !wanted) || !claimLink(link)) return;
    if (link.kind === "refused") {
      setError(REFUSALS.get(link.code) ?? "You are not signed in.");
      return;
    }
    setBusy(true);
    redeem(link.token)
      .then(async (found) => (found === null ? await enter() : setKey(found)))
      .catch((failure: unknown) => setError(messageOf(failure)))
      .finally(() => setBusy(false));
  });

  return (
    <Center mih="100%" p="md" component="main">
      <Paper w="100%" maw={420} p="lg" withBorder>
        <Stack gap="md">
          <Title order={1} size="h3">
            {key ? "A key for you" : "Sign in to hostel"}
          </Title>
          {error && (
            <Text c="var(--mantine-color-error)" size="sm" role="alert">
              {error}
            </Text>
          )}
          {key ? (
            <>
              <Reveal label={`The key of workspace ${key.workspaceId}`} value={key.key} file="hostel-key.txt" />
              <Text size="sm" c="dimmed">
                It was handed over to you and signs nobody in. Send it as <code>Authorization: Bearer …</code>.
              </Text>
              <Anchor component="button" type="button" size="sm" ta="left" onClick={settleLink}>
                Go on
              </Anchor>
            </>
          ) : busy ? (
            <LoadingState label="Signing in" />
          ) : (
            <>
              {me && (
                <Text size="sm">
                  You are signed in as {whoIs(me)}.{" "}
                  <Anchor component={RouteLink} href="/" size="sm" onClick={settleLink}>
                    Go on
                  </Anchor>
                </Text>
              )}
              {!wanted && link?.kind === "redeem" && (
                <Button variant="default" onClick={() => setWanted(true)}>
                  Use the one-time link instead
                </Button>
              )}
              {returned ? <Text size="sm">You can close this window, and go on in the other one.</Text> : <Ways done={enter} />}
            </>
          )}
        </Stack>
      </Paper>
    </Center>
  );
}
