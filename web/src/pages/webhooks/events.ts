import type { Event as Followed } from "#/api/schema";
import type { Place } from "./place";

export type { Followed };

/** What each event tells. */
const TEXTS: Readonly<Record<Followed, string>> = {
  "*": "Everything, also events of later versions",
  "task.succeeded": "A task has succeeded",
  "task.failed": "A task has failed",
  "task.cancelled": "A task was cancelled",
  "channel.message": "A message was sent to a channel",
  "workspace.created": "A workspace was created",
  "workspace.ready": "A workspace is ready",
  "workspace.failed": "A workspace could not be set up",
  "workspace.deleted": "A workspace was deleted",
  "workspace.restored": "A workspace was restored",
  "workspace.purged": "A workspace is gone for good",
  "key.minted": "A key was made",
  "key.rotated": "A key was replaced",
  "key.revoked": "A key was revoked",
  "member.added": "Somebody has joined the organisation",
  "member.removed": "Somebody has left the organisation",
};

/** What happens inside of rooms: the host is not told. */
const INSIDE = /^(task|channel)\./;
/** What no workspace has. */
const ABOVE = /^member\./;

/** The events that a place can follow, with what each tells. */
export function eventsOf(kind: Place["kind"]): { value: Followed; label: string }[] {
  return Object.entries(TEXTS)
    .filter((entry): entry is [Followed, string] => {
      const [event] = entry;
      return !(kind === "host" && INSIDE.test(event)) && !(kind === "workspace" && ABOVE.test(event));
    })
    .map(([value, label]) => ({ value, label }));
}

/** Whether it is the name of an event. */
export function isEvent(text: string): text is Followed {
  return Object.hasOwn(TEXTS, text);
}
