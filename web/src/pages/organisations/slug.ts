/** The most characters of a slug. */
export const SLUG_MAX = 40;
/** What a slug looks like, as an attribute of an input. */
export const SLUG_PATTERN = "[a-z0-9]([a-z0-9\\-]*[a-z0-9])?";

/** A slug that says `name`; empty when nothing of the name can be in one. */
export function slugOf(name: string): string {
  const plain = name
    .normalize("NFKD")
    .toLowerCase()
    .replace(/\p{M}+/gu, "");
  return plain
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-/, "")
    .slice(0, SLUG_MAX)
    .replace(/-$/, "");
}
