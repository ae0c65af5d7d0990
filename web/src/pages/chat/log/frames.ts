import type { Logged } from "./turn";

const EVENTS: ReadonlySet<string> = new Set<Logged["type"]>([
  ...(["turnStarted", "turnEnded", "message", "thought", "toolCall", "plan"] as const),
  ...(["permissionAsked", "permissionAnswered", "agentState", "notice"] as const),
]);

/** The event in a frame of a log's WebSocket; null when it holds none that this client knows. */
export function parseEvent(data: unknown): Logged | null {
  if (typeof data !== "string") return null;
  try {
    const found: unknown = JSON.parse(data);
    return isLogged(found) ? found : null;
  } catch {
    return null;
  }
}

/** Whether it is an event with a number. The server makes the rest from the types of its own document. */
function isLogged(value: unknown): value is Logged {
  if (typeof value !== "object" || value === null || !("type" in value && "seq" in value)) return false;
  return typeof value.type === "string" && EVENTS.has(value.type) && Number.isSafeInteger(value.seq);
}
