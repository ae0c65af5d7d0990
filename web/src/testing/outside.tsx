import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import { type ReactNode, StrictMode } from "react";
import { Router } from "wouter";
import { memoryLocation } from "wouter/memory-location";
import type { Me } from "#/api/schema";
import { ME } from "./page";

/** Somebody who may do all that an administrator may. */
export const ADMIN: Me = {
  ...ME,
  role: "admin",
  personId: null,
  scopes: [
    ...(["server:read", "server:write", "workspaces:create", "workspaces:read", "workspaces:write"] as const),
    ...(["workspaces:delete", "workspaces:transfer", "organisations:read", "limits:read", "limits:write"] as const),
    ...(["keys:read", "keys:write", "events:read", "handover", "audit:read"] as const),
  ],
};

/** Shows a page that is of no workspace, as React does in development: twice. Answers the addresses that were gone to. */
export function showOutside(page: ReactNode, { me = ADMIN, at = "/" }: { me?: Me | null; at?: string } = {}) {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false }, mutations: { retry: false } } });
  if (me !== null) queries.setQueryData(["me"], me);
  const location = memoryLocation({ path: at, record: true });
  const shown = render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <MantineProvider env="test">
          <Router hook={location.hook} searchHook={location.searchHook}>
            {page}
          </Router>
        </MantineProvider>
      </QueryClientProvider>
    </StrictMode>,
  );
  return { ...shown, queries, history: location.history };
}

/** What scrolls has a height, and each row of a list, as they have in no jsdom: lists show what is seen of them. */
export function sized(): void {
  Object.defineProperty(HTMLElement.prototype, "clientHeight", { configurable: true, get: () => 600 });
  Object.defineProperty(HTMLElement.prototype, "offsetHeight", { configurable: true, get: () => 53 });
  HTMLElement.prototype.scrollTo = () => {};
}
