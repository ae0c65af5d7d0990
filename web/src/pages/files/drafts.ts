import { Store } from "#/api/store";
import { onForgotten, workKey } from "#/api/work";

/** A text that was typed and is not saved, and the version of the file that it began with. */
export interface Draft {
  text: string;
  /** Null where there is no such file yet. */
  etag: string | null;
}

type Drafts = Readonly<Record<string, Draft>>;

const PREFIX = workKey("file.");
/** Characters that are also kept over a reload; longer ones are in memory alone. */
const KEPT_MAX = 256 * 1024;

/** What is typed in files and not saved yet, by `draftKey`. It outlives the page, and small ones a reload of the tab. */
export const drafts = new Store<Drafts>(load());
onForgotten(() => drafts.set({}));

/** The key of a file's draft. */
export function draftKey(workspaceId: string, sessionId: string, worktreeId: string | null, path: string): string {
  return [workspaceId, sessionId, worktreeId ?? "", path].join("/");
}

/** Keep a draft; null forgets it. */
export function keepDraft(key: string, draft: Draft | null): void {
  const { [key]: _, ...rest } = drafts.get();
  drafts.set(draft === null ? rest : { ...rest, [key]: draft });
  try {
    if (draft === null || draft.text.length > KEPT_MAX) sessionStorage.removeItem(PREFIX + key);
    else sessionStorage.setItem(PREFIX + key, JSON.stringify(draft));
  } catch {
    // It is full: the one before is not the one that should come back.
    sessionStorage.removeItem(PREFIX + key);
  }
}

/** The browser asks before the tab is left with something that is not saved. */
addEventListener("beforeunload", (event) => {
  if (Object.keys(drafts.get()).length > 0) event.preventDefault();
});

function load(): Drafts {
  const found: Record<string, Draft> = {};
  for (const name of Object.keys(sessionStorage).filter((key) => key.startsWith(PREFIX))) {
    const draft = parsed(sessionStorage.getItem(name) ?? "");
    if (draft) found[name.slice(PREFIX.length)] = draft;
  }
  return found;
}

function parsed(text: string): Draft | null {
  try {
    const value: unknown = JSON.parse(text);
    return isDraft(value) ? { text: value.text, etag: value.etag } : null;
  } catch {
    return null;
  }
}

function isDraft(value: unknown): value is Draft {
  if (typeof value !== "object" || value === null || !("text" in value) || !("etag" in value)) return false;
  return typeof value.text === "string" && (value.etag === null || typeof value.etag === "string");
}
