import { useSyncExternalStore } from "react";
import { Store } from "#/api/store";

/** What a link says behind its `#`, which browsers never send to a server. */
export type Link = { kind: "redeem"; token: string } | { kind: "refused"; code: string };

const link = new Store<Link | null>(take());
addEventListener("hashchange", () => {
  const next = take();
  if (next !== null) link.set(next);
});

/** What the address says; a token leaves the address bar and the history before anything else happens. */
function take(): Link | null {
  const said = new URLSearchParams(location.hash.slice(1));
  const token = said.get("redeem");
  const code = said.get("signin-error");
  if (token === null && code === null) return null;
  history.replaceState(null, "", location.pathname);
  return token !== null ? { kind: "redeem", token } : { kind: "refused", code: code ?? "" };
}

/** What the link by which the page was opened says, until it is dealt with. */
export function useLink(): Link | null {
  return useSyncExternalStore(link.subscribe, link.get);
}

let claimed: Link | null = null;

/** Whether the caller is the first to deal with the link: a token is good once, and a page may be shown twice. */
export function claimLink(found: Link): boolean {
  if (claimed === found) return false;
  claimed = found;
  return true;
}

/** It is dealt with. */
export function settleLink(): void {
  link.set(null);
}
