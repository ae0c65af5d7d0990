import { queryOptions, useQuery } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { answer, createApi } from "./client";
import { ApiError } from "./problem";
import { everyRoomToken, forgetRooms } from "./rooms";
import type { Me, Scope } from "./schema";
import { Store } from "./store";
import { forgetWork, onForgotten } from "./work";

/** Whether the sign-in has ended under a page that is open. What is typed there stays; a dialog asks to sign in again. */
const expired = new Store(false);

/** The client of the browser's own sign-in. */
export const api = createApi(
  () => null,
  () => expire(),
);

/** For the ways in: a 401 there is about what was typed, and says nothing of the browser's sign-in. */
export const door = createApi(() => null, null);

/** Whom the browser is signed in as; null for nobody. */
export const meQuery = queryOptions({
  queryKey: ["me"],
  staleTime: 60_000,
  queryFn: async ({ client }): Promise<Me | null> => {
    try {
      const me = await answer(door.GET("/api/auth/me"));
      expired.set(false);
      return me;
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401)) throw error;
      // Who was signed in keeps the page, with what is typed there, and is asked to sign in again.
      const known = client.getQueryData<Me | null>(["me"]) ?? null;
      if (known !== null) expire();
      return known;
    }
  },
});

/** Whom the browser is signed in as. */
export function useMe() {
  return useQuery(meQuery);
}

/** Whether the sign-in has ended under the open page. */
export function useExpired(): boolean {
  return useSyncExternalStore(expired.subscribe, expired.get);
}

/** The server does not know the sign-in any more: what does not use `api` tells it here. */
export function expire(): void {
  expired.set(true);
}

/** Somebody has signed in again, or has chosen to leave. */
export function settle(): void {
  expired.set(false);
}

/** What everybody who is signed in has: what `me` may do without naming a workspace. */
export function may(me: Me | null | undefined, scope: Scope): boolean {
  return me?.scopes.includes(scope) ?? false;
}

/** Make the browser's session of an access token. */
export async function adopt(token: string): Promise<void> {
  await answer(door.POST("/api/auth/session", { headers: { Authorization: `Bearer ${token}` } }));
}

/** End the sign-in and the tokens of rooms, and forget what was typed and not sent. Answers where the provider wants the browser to go, if it does. */
export async function signOut(): Promise<string | null> {
  // The cookie goes first: any logout takes it from the browser.
  const { endSessionUrl } = await answer(door.POST("/api/logout"));
  const left = leaveRooms();
  forgetWork();
  await left;
  return endSessionUrl;
}

/** End the tokens of the rooms that this tab has opened, and forget them. */
async function leaveRooms(): Promise<void> {
  const tokens = everyRoomToken();
  forgetRooms();
  await Promise.allSettled(tokens.map((token) => door.POST("/api/logout", { headers: { Authorization: `Bearer ${token}` } })));
}

// Also when the sign-out was in another tab.
onForgotten(() => void leaveRooms());
