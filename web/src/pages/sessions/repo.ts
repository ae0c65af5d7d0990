import { safeUrl } from "#/ui/links";

/** A repository's address as people say it: without its protocol, user and `.git`. */
export function repoName(address: string): string {
  return address
    .replace(/^[a-z][a-z0-9+.-]*:\/\//i, "")
    .replace(/^[^@/]*@/, "")
    .replace(/^([^/:]+):(?!\d)/, "$1/")
    .replace(/\/+$/, "")
    .replace(/\.git$/, "");
}

/** Where a browser finds the repository, if its address is one for browsers. */
export function repoLink(address: string): string | undefined {
  return /^https?:/i.test(address) ? safeUrl(address) : undefined;
}

/** Whether a user's password or token stands in the address, which the API refuses. */
export function holdsCredential(address: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/@]*:[^/@]*@/i.test(address.trim());
}
