import { INPUT_FRAME } from "./protocol";

/** Bytes of input that wait here, at most: what is typed or pasted beyond them is not taken. */
const PENDING_MAX = 16 * 1024 * 1024;
/** Bytes that the browser holds for the network, at most; the rest waits here, where Ctrl-C can still drop it. */
const BUFFERED_MAX = 64 * 1024;
/** Milliseconds between two looks at what the browser holds: a WebSocket does not say when it has drained. */
const LOOK = 20;
const INTERRUPT = 0x03;

/** Input on its way to a terminal: in pieces, and never more than the network takes. */
export class Input {
  #pending: Uint8Array<ArrayBuffer>[] = [];
  #size = 0;
  #socket: WebSocket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Send to `socket`, or with null to none: what is typed then waits for the next. */
  connect(socket: WebSocket | null): void {
    this.#socket = socket;
    clearTimeout(this.#timer);
    this.#flush();
  }

  /** Take bytes, as typed. False when too many wait already. Ctrl-C drops what waits: it is meant for what runs now. */
  type(data: Uint8Array<ArrayBuffer>): boolean {
    if (data.length === 1 && data[0] === INTERRUPT) {
      this.clear();
    }
    if (this.#size + data.length > PENDING_MAX) {
      return false;
    }
    for (let at = 0; at < data.length; at += INPUT_FRAME) {
      this.#pending.push(data.subarray(at, at + INPUT_FRAME));
    }
    this.#size += data.length;
    this.#flush();
    return true;
  }

  /** Drop what waits. */
  clear(): void {
    this.#pending = [];
    this.#size = 0;
  }

  #flush(): void {
    const socket = this.#socket;
    if (socket === null) {
      return;
    }
    clearTimeout(this.#timer);
    let sent = 0;
    for (const piece of this.#pending) {
      if (socket.bufferedAmount > BUFFERED_MAX) {
        this.#timer = setTimeout(() => this.#flush(), LOOK);
        break;
      }
      socket.send(piece);
      this.#size -= piece.length;
      sent += 1;
    }
    this.#pending.splice(0, sent);
  }
}
