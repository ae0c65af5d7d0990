/** Where to go after signing in: the page that was asked for, or what `?to=` says when it is a page of this server. */
export function returnPath(): string {
  const { origin, pathname, search } = location;
  if (!pathname.startsWith("/signin")) return pathname + search;
  const to = URL.parse(new URLSearchParams(search).get("to") ?? "/", origin);
  // "/.//example.org" is a path of this server that a browser takes for another's address.
  return to?.origin === origin && !to.pathname.startsWith("//") ? to.pathname + to.search : "/";
}
