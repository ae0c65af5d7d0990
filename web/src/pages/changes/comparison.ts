import type { CommitView, StatusView } from "#/api/schema";

/** What is compared with what. */
export type Comparison =
  /** Of the files from the last commit, in the index too; without files that git does not know. */
  | { kind: "all" }
  | { kind: "staged" }
  | { kind: "unstaged" }
  /** Of the head from where it left a branch or a commit. */
  | { kind: "fork"; base: string }
  /** Of the files from a branch or a commit, as they are. */
  | { kind: "base"; base: string }
  /** Of a commit from its first parent, or from nothing. */
  | { kind: "commit"; commit: string; parent: string }
  | { kind: "turn"; turnId: string };

/** The query of the route `diff` for a comparison. */
export function diffQuery(wanted: Exclude<Comparison, { kind: "turn" }>) {
  switch (wanted.kind) {
    case "all":
      return { base: "HEAD" };
    case "staged":
      return { staged: true };
    case "unstaged":
      return {};
    case "base":
      return { base: wanted.base };
    case "fork":
      return { base: wanted.base, target: "HEAD", sinceFork: true };
    case "commit":
      return { base: wanted.parent, target: wanted.commit };
  }
}

/** What a first commit is compared with: git's tree without files, which every repository has; its name is as long as its others. */
const EMPTY_TREES = [
  "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
  "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
];

/** The page's address of what a commit has changed. */
export function addressOf({ commit, parents }: Pick<CommitView, "commit" | "parents">) {
  const parent = parents[0] ?? EMPTY_TREES.find(({ length }) => length === commit.length) ?? null;
  return { ...PLAIN, commit, parent };
}

const HASH = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

/** The names in the page's address that say what is compared; one that is left out is to be taken away. */
export const PLAIN = { turn: null, commit: null, parent: null, base: null, fork: null, compare: null, path: null };

/** What the page's address asks for: all that is not committed, unless it says something else. */
export function comparisonOf(search: URLSearchParams, status: Pick<StatusView, "commit"> | undefined): Comparison {
  const [turnId, commit, parent] = [search.get("turn"), search.get("commit"), search.get("parent")];
  const [base, fork, compare] = [search.get("base"), search.get("fork"), search.get("compare")];
  if (turnId) return { kind: "turn", turnId };
  if (commit && parent && HASH.test(commit) && HASH.test(parent)) return { kind: "commit", commit, parent };
  if (fork) return { kind: "fork", base: fork };
  if (base) return { kind: "base", base };
  if (compare === "staged" || compare === "unstaged") return { kind: compare };
  // Before the first commit there is only the index to compare with nothing.
  return status?.commit === null ? { kind: "staged" } : { kind: "all" };
}
