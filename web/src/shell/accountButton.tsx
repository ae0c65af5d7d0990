import { ActionIcon } from "@mantine/core";
import { IconUserCircle } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useMemo, useState } from "react";
import { useLocation } from "wouter";
import { signOut } from "#/api/identity";
import type { Me } from "#/api/schema";
import { complain } from "#/ui/notify";
import { type Command, useCommands } from "./commands";

const AccountMenu = lazy(() => import("./accountMenu"));

/** Who is signed in, and the way out. What shows the menu is loaded when it is first wanted. */
export function AccountButton({ me }: { me: Me }) {
  const [wanted, setWanted] = useState(false);
  const queries = useQueryClient();
  const [, go] = useLocation();
  const offered = useMemo<Command[]>(() => {
    const leave = async () => {
      try {
        const elsewhere = await signOut();
        if (elsewhere) location.assign(elsewhere);
        else {
          queries.clear();
          go("/signin");
        }
      } catch (error) {
        complain(error, "You are still signed in");
      }
    };
    return [
      { id: "account", group: "You", label: "Your account and browsers", run: () => go("/account") },
      { id: "sign-out", group: "You", label: "Sign out", run: () => void leave() },
    ];
  }, [go, queries]);
  useCommands(offered);
  const closed = (
    <ActionIcon variant="subtle" color="gray" aria-label="Your account" aria-haspopup="menu" onClick={() => setWanted(true)}>
      <IconUserCircle size={20} aria-hidden />
    </ActionIcon>
  );
  if (!wanted) return closed;
  return (
    <Suspense fallback={closed}>
      <AccountMenu me={me} offered={offered} />
    </Suspense>
  );
}
