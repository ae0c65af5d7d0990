import type { FailureReason } from "./endings";

/** What a connection is doing. */
export type ConnectionState =
  | { name: "connecting" }
  /** `readOnly`: the server takes no input of this viewer, and no size. */
  | { name: "connected"; readOnly: boolean }
  | { name: "reconnecting"; attempt: number }
  | { name: "failed"; reason: FailureReason; message: string }
  | { name: "exited"; code: number | null; signal: string | null };

/** What a connection tells. */
export interface ConnectionEvents {
  /** It is doing something else now. */
  state(state: ConnectionState): void;
  /** The next bytes; they are `old` when they were printed before this viewer came. `drawn` is called when they were dealt with, and makes room for more. */
  output(data: Uint8Array, old: boolean, drawn: () => void): void;
  /** So many bytes were printed that nobody has kept: they are missing before the next `output`. */
  gap(bytes: number): void;
  /** The size that all viewers agreed on, and how many they are, once that is known. */
  size(cols: number, rows: number, viewers: number | null): void;
  /** When the room closes if nobody uses it, as ISO 8601; null while that is not foreseen. */
  deadline(at: string | null): void;
  /** What the server did not take. */
  refused(message: string): void;
}

/** Where to, and with which credential. */
export interface ConnectionOptions {
  /** The terminal's WebSocket: `wss:` or `ws:`. */
  url: string;
  /** A token for the first frame, asked for at each try. Without it the browser's cookie is the credential. */
  token?: (() => Promise<string>) | undefined;
}
