import type { Logged } from "./turn";

/** The event in a frame of a log's WebSocket; null when it holds none. */
export function parseEvent(data: unknown): Logged | null {
  if (typeof data !== "string") return null;
  try {
    const found: unknown = JSON.parse(data);
    return isLogged(found) ? found : null;
  } catch {
    return null;
  }
}

/**
 * Whether it is an event with a number. The server makes the rest from the types of its own document. An event of a sort that
 * only a later server knows counts too, and is not drawn: to leave it out would be a gap in the log.
 */
function isLogged(value: unknown): value is Logged {
  if (typeof value !== "object" || value === null || !("type" in value && "seq" in value)) return false;
  return typeof value.type === "string" && Number.isSafeInteger(value.seq);
}
