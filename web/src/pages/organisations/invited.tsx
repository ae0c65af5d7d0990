import { Button, Group, Paper, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useLocation } from "wouter";
import { answer } from "#/api/client";
import { door, meQuery } from "#/api/identity";
import { ApiError, messageOf } from "#/api/problem";
import type { Me } from "#/api/schema";
import { say } from "#/ui/notify";
import { ORGANISATIONS } from "./data";
import { settleInvitation, useInvitation } from "./join";

/** An invitation that the link brought, or a field for one that came as a text. */
export function Invited({ me, typing, stop }: { me: Me; typing: boolean; stop: () => void }) {
  const invitation = useInvitation();
  const leave = () => {
    settleInvitation();
    stop();
  };
  if (invitation === null && !typing) return null;
  return (
    <Paper withBorder p="sm" mb="md" component="section" aria-label="Invitation">
      <Title order={2} size="h5" mb="xs">
        {invitation === null ? "Join an organisation" : "You are invited to an organisation"}
      </Title>
      {me.role === "person" ? (
        <Join token={invitation} leave={leave} />
      ) : (
        <Stack gap="xs" align="flex-start">
          <Text size="sm">
            Only a person can be a member, and you are signed in as something else. Sign out, open the link again, and sign in
            as yourself.
          </Text>
          <Button size="xs" variant="default" onClick={leave}>
            Dismiss
          </Button>
        </Stack>
      )}
    </Paper>
  );
}

function Join({ token, leave }: { token: string | null; leave: () => void }) {
  const queries = useQueryClient();
  const [, go] = useLocation();
  const [typed, setTyped] = useState("");
  const joining = useMutation({
    // By `door`: a 401 is about the invitation here.
    mutationFn: () => answer(door.POST("/api/orgs/invitations/accept", { body: { token: token ?? tokenIn(typed) } })),
    onSuccess: async ({ organisationId, rank }) => {
      leave();
      say(`You have joined as ${rank}`);
      await Promise.all([
        queries.invalidateQueries({ queryKey: ORGANISATIONS }),
        queries.invalidateQueries({ queryKey: meQuery.queryKey }),
      ]);
      go(`/orgs/${organisationId}`);
    },
    // It may be about the sign-in too, which is asked for again then.
    onError: () => queries.invalidateQueries({ queryKey: meQuery.queryKey }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    joining.mutate();
  };
  return (
    <Stack component="form" gap="xs" onSubmit={submit}>
      {token === null && (
        <PasswordInput
          label="Link or token"
          placeholder="hot_…"
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          autoComplete="off"
          spellCheck={false}
          required
          data-autofocus
        />
      )}
      {joining.isError && (
        <Text size="sm" c="var(--mantine-color-error)" role="alert">
          {refusalOf(joining.error)}
        </Text>
      )}
      <Group gap="xs">
        <Button type="submit" size="xs" loading={joining.isPending}>
          Join
        </Button>
        <Button size="xs" variant="default" onClick={leave}>
          Not now
        </Button>
      </Group>
    </Stack>
  );
}

function tokenIn(typed: string): string {
  const found = /#join=([^&\s]+)/.exec(typed)?.[1];
  return found === undefined ? typed.trim() : decodeURIComponent(found);
}

function refusalOf(error: unknown): string {
  if (error instanceof ApiError && error.code === "unauthorized") {
    return "This invitation is good no more: it was used, taken back, or has expired. Ask for another one.";
  }
  return messageOf(error);
}
