import { useSyncExternalStore } from "react";
import { Store } from "#/api/store";

/**
 * The token of an invitation by which the page was opened (`/orgs#join=TOKEN`), until it is dealt with. It waits in this tab
 * while its person signs in, for a provider sends the browser back without what is behind the `#`.
 */
const KEY = "hostel.invitation";
const invitation = new Store<string | null>(take() ?? sessionStorage.getItem(KEY));
addEventListener("hashchange", () => {
  const token = take();
  if (token !== null) invitation.set(token);
});

/** What the address says; the token leaves the address bar and the history before anything else happens. */
function take(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get("join");
  if (token === null) return null;
  history.replaceState(null, "", location.pathname);
  sessionStorage.setItem(KEY, token);
  return token;
}

/** The invitation that waits for an answer. */
export function useInvitation(): string | null {
  return useSyncExternalStore(invitation.subscribe, invitation.get);
}

/** It was accepted, or is not wanted. */
export function settleInvitation(): void {
  sessionStorage.removeItem(KEY);
  invitation.set(null);
}

/** The link that hands an invitation over. Browsers never send what is behind the `#` to a server. */
export function invitationLink(token: string): string {
  return `${location.origin}/orgs#join=${encodeURIComponent(token)}`;
}
