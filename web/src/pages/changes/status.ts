import type { StatusEntryView, StatusView } from "#/api/schema";

/** How a path that differs is listed. A path that is both staged and changed since is in two groups. */
export interface Groups {
  conflicts: StatusEntryView[];
  staged: StatusEntryView[];
  unstaged: StatusEntryView[];
  untracked: StatusEntryView[];
}

/** The entries of a status by what git would do with them. */
export function groupsOf({ entries }: StatusView): Groups {
  const plain = entries.filter(({ conflict, staged }) => !conflict && staged !== "?");
  return {
    conflicts: entries.filter(({ conflict }) => conflict),
    staged: plain.filter(({ staged }) => staged !== "."),
    unstaged: plain.filter(({ unstaged }) => unstaged !== "."),
    untracked: entries.filter(({ staged }) => staged === "?"),
  };
}

/** The paths that a commit of these entries names: of a rename both. */
export function pathsOf(entries: readonly StatusEntryView[]): string[] {
  return [...new Set(entries.flatMap(({ path, original }) => (original === null ? [path] : [path, original])))];
}

/** Where the place is, in words. */
export function whereOf({ branch, commit }: StatusView): string {
  return branch ?? (commit === null ? "No commit yet" : `Detached at ${commit.slice(0, 8)}`);
}
