import type { SessionView } from "#/api/schema";
import { repoName } from "./repo";

const MINUTE = 60_000;

/** The one that was used last first. Those that are used side by side keep their places for a minute. */
export function byActivity(sessions: Iterable<SessionView>): readonly SessionView[] {
  const keyed = [...sessions].map((session) => ({ session, at: Math.floor(Date.parse(session.lastActivity) / MINUTE) }));
  keyed.sort(
    (one, other) =>
      other.at - one.at ||
      other.session.createdAt.localeCompare(one.session.createdAt) ||
      one.session.sessionId.localeCompare(other.session.sessionId),
  );
  return keyed.map(({ session }) => session);
}

/** Those that have all words of `filter` in their name, repository, ref, id or state. */
export function matching(sessions: readonly SessionView[], filter: string): readonly SessionView[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return sessions;
  return sessions.filter(({ name, repoUrl, ref, sessionId, status }) => {
    const text = `${name} ${repoUrl && repoName(repoUrl)} ${ref ?? ""} ${sessionId} ${status}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
