import { Modal, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect } from "react";
import { useLocation } from "wouter";
import { meQuery, settle, useExpired, useMe } from "#/api/identity";
import { forgetRooms } from "#/api/rooms";
import type { Me } from "#/api/schema";
import { onSignedIn, tellSignedIn } from "./tabs";
import { Ways } from "./ways";

/** Shown over the open page when the sign-in has ended: what was typed there stays. */
export function SignInAgain() {
  const expired = useExpired();
  const queries = useQueryClient();
  const [, go] = useLocation();
  const { data: before } = useMe();

  const resume = useCallback(async () => {
    const me = await queries.fetchQuery({ ...meQuery, staleTime: 0 });
    if (sameAs(before, me)) return queries.invalidateQueries();
    // Somebody else sits here now, and sees nothing of what the one before had open.
    forgetRooms();
    go("/");
    return queries.resetQueries();
  }, [queries, before, go]);

  // Another tab, or the window that a provider has sent back, is signed in: so is this one, for they share the cookie.
  useEffect(() => onSignedIn(() => void resume()), [resume]);

  const done = () => {
    settle();
    tellSignedIn();
    return resume();
  };
  return (
    <Modal opened={expired} onClose={() => {}} withCloseButton={false} title="Your sign-in has ended">
      <Text size="sm" c="dimmed" mb="md">
        Sign in again to go on. What you have typed is still there.
      </Text>
      {expired && <Ways done={done} popup />}
    </Modal>
  );
}

function sameAs(before: Me | null | undefined, me: Me | null): boolean {
  return before?.role === me?.role && before?.personId === me?.personId && before?.workspaceId === me?.workspaceId;
}
