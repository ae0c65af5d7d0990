import type { ChannelMessageView, MessagePage } from "#/api/schema";

/** A message that is on its way, or was refused. */
export interface Pending {
  /** Its `Idempotency-Key`: sent again with it, it is not there twice. */
  key: string;
  text: string;
  name: string;
  /** Why it could not be sent; null while it is on its way. */
  error: unknown;
}

/** What is known of a channel's messages. */
export interface Messages {
  /** By number. Where numbers are missing, the server had dropped them before they were read. */
  items: readonly ChannelMessageView[];
  /** In the order in which they were written. */
  pending: readonly Pending[];
  /** Whether there is something before the first of `items`, or was. */
  older: "some" | "none" | "dropped";
  /** Whether the newest ones were read. */
  ready: boolean;
  /** Why the channel cannot be read, for good. */
  error: unknown;
}

export const EMPTY: Messages = { items: [], pending: [], older: "none", ready: false, error: null };

/** The number of the newest message that is known; 0 before the first. */
export function newest({ items }: Messages): number {
  return items.at(-1)?.number ?? 0;
}

/** With the newest page instead of all that was known. */
export function begun(known: Messages, page: MessagePage): Messages {
  return { ...known, items: page.items, older: olderThan(page), ready: true };
}

/** With the page that follows. */
export function appended(known: Messages, items: readonly ChannelMessageView[]): Messages {
  const last = newest(known);
  const fresh = items.filter(({ number }) => number > last);
  return fresh.length > 0 ? { ...known, items: [...known.items, ...fresh] } : known;
}

/** With the page before. */
export function prepended(known: Messages, page: MessagePage): Messages {
  const first = known.items[0]?.number ?? Number.POSITIVE_INFINITY;
  return { ...known, items: [...page.items.filter(({ number }) => number < first), ...known.items], older: olderThan(page) };
}

/** With one that is on its way. */
export function sending(known: Messages, message: Pending): Messages {
  return { ...known, pending: [...known.pending, message] };
}

/** With what has come of one that was on its way: why it is not sent, null for another try, or nothing more of it. */
export function settled(known: Messages, key: string, error?: unknown): Messages {
  const pending =
    error === undefined
      ? known.pending.filter((message) => message.key !== key)
      : known.pending.map((message) => (message.key === key ? { ...message, error } : message));
  return { ...known, pending };
}

function olderThan({ items, reset }: MessagePage): Messages["older"] {
  if (reset) return "dropped";
  return (items[0]?.number ?? 1) > 1 ? "some" : "none";
}
