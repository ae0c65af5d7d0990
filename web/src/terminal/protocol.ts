/** The text frames of a terminal's WebSocket; binary frames are bytes of the terminal, both ways. See docs/protocol.md. */

/** Bytes that the server may send before they are acknowledged. A key that stops a program waits behind no more than these. */
export const WINDOW = 128 * 1024;
/** Bytes of a frame with input; the server takes at most 1 MiB. */
export const INPUT_FRAME = 16 * 1024;

/** What a server says. `viewers` and `ready` carry the size that all viewers agreed on: the smallest of those who may type. */
export type ServerFrame =
  | { type: "ready"; seq: number; cols: number; rows: number; viewers?: number; readOnly?: boolean }
  | { type: "viewers"; count: number; cols: number; rows: number }
  | { type: "pong"; shutdownDeadline: string | null; printed: number | null }
  | { type: "exit"; code?: number; signal?: string }
  | { type: "error"; code: string; message: string; recoverable: boolean };

/** What a client says. */
export type ClientFrame =
  | { type: "auth"; token: string }
  | { type: "resize"; cols: number; rows: number }
  | { type: "ack"; seq: number }
  | { type: "ping" };

/** The frame in a text, or null for one that this client does not know. */
export function parse(text: string): ServerFrame | null {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return null;
  }
  return isFrame(frame) ? frame : null;
}

function isFrame(value: unknown): value is ServerFrame {
  if (typeof value !== "object" || value === null) {
    return false;
  }
  const field = (name: string): unknown => Reflect.get(value, name);
  switch (field("type")) {
    case "ready":
      return isCount(field("seq")) && isSize(field("cols")) && isSize(field("rows"));
    case "viewers":
      return isCount(field("count")) && isSize(field("cols")) && isSize(field("rows"));
    case "pong":
      return (
        (field("shutdownDeadline") === null || typeof field("shutdownDeadline") === "string") &&
        (field("printed") === null || isCount(field("printed")))
      );
    case "exit":
      return isCount(field("code")) || typeof field("signal") === "string";
    case "error":
      return typeof field("code") === "string" && typeof field("message") === "string";
    default:
      return false;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isSize(value: unknown): value is number {
  return isCount(value) && value >= 1 && value <= 1000;
}
