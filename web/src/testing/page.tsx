import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import type { ReactNode } from "react";
import { Route, Router } from "wouter";
import { memoryLocation } from "wouter/memory-location";
import { keepRoom } from "#/api/rooms";
import type { Me, Scope } from "#/api/schema";
import { RoomProvider } from "#/room/room";
import type { Server } from "./server";

/** A workspace for tests, and its place in the API. */
export const WORKSPACE = "w000000000000000000000001";
export const BASE = `/api/workspaces/${WORKSPACE}`;

/** Who looks at the pages: a member. */
export const ME: Me = {
  role: "person",
  workspaceId: null,
  organisationId: null,
  personId: "u000000000000000000000001",
  name: "",
  email: null,
  organisations: [],
  scopes: [],
  expiresAt: null,
};

interface Options {
  /** The address, below the workspace's, and the pattern that it matches. */
  at?: string;
  route?: string;
  /** What may not be done. */
  without?: readonly Scope[];
  /** What may be done, where it is something else than what a member may. */
  scopes?: readonly Scope[];
  me?: Me;
}

const SCOPES: readonly Scope[] = [
  ...(["sessions:read", "turns:read", "agents:read", "tasks:read", "tasks:write", "channels:read"] as const),
  ...(["channels:write", "secrets:read", "secrets:write", "webhooks:read", "webhooks:write"] as const),
  ...(["workspaces:read", "keys:read", "keys:write", "audit:read"] as const),
];

/** Shows a page of a workspace, whose server is `server`. Answers the addresses that were gone to, and the queries. */
export function showInRoom(
  server: Server,
  page: ReactNode,
  { at = "", route = "", without = [], scopes = SCOPES, me = ME }: Options = {},
) {
  server.on(`GET ${BASE}/access`, () => ({ scopes: scopes.filter((scope) => !without.includes(scope)) }));
  // A room of its own credential makes its client when it is shown, and so with the server's fetch.
  keepRoom(WORKSPACE, "token", 3600);
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false }, mutations: { retry: false } } });
  queries.setQueryData(["me"], me);
  const location = memoryLocation({ path: `/w/${WORKSPACE}${at}`, record: true });
  const shown = render(
    <QueryClientProvider client={queries}>
      <MantineProvider env="test">
        <Router hook={location.hook} searchHook={location.searchHook}>
          <RoomProvider workspaceId={WORKSPACE}>
            <Route path={`/w/${WORKSPACE}${route || at}`}>{page}</Route>
          </RoomProvider>
        </Router>
      </MantineProvider>
    </QueryClientProvider>,
  );
  return { ...shown, queries, history: location.history };
}

/** Put a text into a field at once, as from the clipboard. */
export async function fill(field: HTMLElement, text: string): Promise<void> {
  await userEvent.clear(field);
  await userEvent.click(field);
  await userEvent.paste(text);
}
