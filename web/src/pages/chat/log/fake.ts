import type { Logged } from "./turn";

/** A message with this number. */
export function message(seq: number): Logged {
  return { type: "message", at: "2026-01-01T00:00:00Z", agent: "claude", turnId: "t1", seq, text: `${seq}` };
}

/** A browser's WebSocket without a network, for tests. */
export class FakeSocket {
  static all: FakeSocket[] = [];
  /** The newest. */
  static last(): FakeSocket {
    const found = FakeSocket.all.at(-1);
    if (found === undefined) throw new Error("nobody has connected");
    return found;
  }

  readonly sent: string[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;

  constructor(readonly url: string) {
    FakeSocket.all.push(this);
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.closed = true;
  }

  open(): void {
    this.onopen?.();
  }

  /** Tell events. */
  tell(...events: Logged[]): void {
    for (const event of events) this.onmessage?.({ data: JSON.stringify(event) });
  }

  /** Tell messages with these numbers. */
  say(...numbers: number[]): void {
    this.tell(...numbers.map(message));
  }

  end(code = 1006): void {
    this.onclose?.({ code });
  }
}
