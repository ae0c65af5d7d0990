import { vi } from "vitest";

/** A WebSocket as a browser has it, whose other end is a FakeServer. */
export class FakeSocket {
  binaryType = "blob";
  bufferedAmount = 0;
  readyState = 0;
  readonly url: URL;
  readonly texts: { type: string; [field: string]: unknown }[] = [];
  readonly bytes: number[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  /** The number of the next byte that this one is sent. */
  cursor = 0;
  /** Bytes before this number were acknowledged. */
  acked = 0;

  constructor(url: string) {
    this.url = new URL(url);
    server.sockets.push(this);
  }

  send(data: string | Uint8Array): void {
    if (this.readyState !== 1) {
      throw new DOMException("not open", "InvalidStateError");
    }
    if (typeof data !== "string") {
      this.bytes.push(...data);
      return;
    }
    const frame = JSON.parse(data);
    this.texts.push(frame);
    server.obey(this, frame);
  }

  close(): void {
    this.readyState = 3;
  }

  /** What the server says. */
  tell(frame: object | ArrayBuffer): void {
    this.onmessage?.({ data: frame instanceof ArrayBuffer ? frame : JSON.stringify(frame) });
  }

  /** The connection ends. */
  end(code: number): void {
    if (this.readyState < 2) {
      this.readyState = 3;
      this.onclose?.({ code });
    }
  }
}

/** A terminal behind WebSockets: it keeps the last `ring` bytes of what its program has printed, as docs/protocol.md says. */
export class FakeServer {
  readonly sockets: FakeSocket[] = [];
  readonly printed: number[] = [];
  ring = Number.MAX_SAFE_INTEGER;
  silent = false;
  /** The number of the first byte that the first viewer was sent. */
  first: number | null = null;
  /** Whether those who connect may only look. */
  readOnly = false;
  /** What a first frame must hold, if one is needed. */
  token: string | null = null;

  get last(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) {
      throw new Error("nobody has connected");
    }
    return socket;
  }

  get oldest(): number {
    return Math.max(0, this.printed.length - this.ring);
  }

  /** Complete the handshake of the latest connection. */
  accept(): void {
    const socket = this.last;
    socket.readyState = 1;
    socket.onopen?.();
    if (this.token === null) {
      this.attach(socket);
    }
  }

  obey(socket: FakeSocket, frame: { type: string; token?: unknown; seq?: unknown }): void {
    if (frame.type === "auth") {
      if (frame.token === this.token) {
        this.attach(socket);
      } else {
        socket.tell({ type: "error", code: "unauthorized", message: "who are you?", recoverable: false });
        socket.end(4401);
      }
    } else if (frame.type === "ping" && !this.silent) {
      socket.tell({ type: "pong", shutdownDeadline: null, printed: this.printed.length });
    } else if (frame.type === "ack") {
      socket.acked = Number(frame.seq);
    }
  }

  private attach(socket: FakeSocket): void {
    const after = socket.url.searchParams.get("after");
    socket.cursor = Math.max(after === null ? 0 : Number(after), this.oldest);
    socket.acked = socket.cursor;
    this.first ??= socket.cursor;
    socket.tell({ type: "ready", terminalId: "t", seq: socket.cursor, cols: 80, rows: 24, readOnly: this.readOnly });
  }

  /** The program prints. */
  print(...data: number[]): void {
    this.printed.push(...data);
  }

  /** Send so many of the bytes that are due, if the window has room. */
  deliver(count: number): void {
    const socket = this.last;
    const window = Number(socket.url.searchParams.get("window"));
    if (socket.readyState === 1 && socket.cursor - socket.acked < window) {
      const from = Math.max(socket.cursor, this.oldest);
      const data = this.printed.slice(from, from + count);
      socket.cursor = from + data.length;
      socket.tell(Uint8Array.from(data).buffer);
    }
  }
}

let server = new FakeServer();

/** A server for the WebSockets that are opened in this test. */
export function serve(): FakeServer {
  server = new FakeServer();
  vi.stubGlobal("WebSocket", FakeSocket);
  return server;
}
