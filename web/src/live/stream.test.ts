import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ApiError } from "#/api/problem";
import { EventStream, type StreamState, type Told } from "./stream";

const encoder = new TextEncoder();

/** The network as the stream sees it: each request waits here until the test has answered it. */
class Network {
  readonly requests: { url: string; headers: Headers; signal: AbortSignal; answer: (response: Response | Error) => void }[] =
    [];

  constructor() {
    vi.stubGlobal("fetch", (url: string, { headers, signal }: { headers: HeadersInit; signal: AbortSignal }) => {
      return new Promise<Response>((resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        const answer = (response: Response | Error) => (response instanceof Error ? reject(response) : resolve(response));
        this.requests.push({ url, headers: new Headers(headers), signal, answer });
      });
    });
  }

  get last() {
    const last = this.requests.at(-1);
    if (last === undefined) throw new Error("nothing was asked for");
    return last;
  }

  /** Answer the last request with a stream. Answers how to write to it, end it, and break it. */
  open() {
    const { signal, answer } = this.last;
    const body = new TransformStream<Uint8Array, Uint8Array>();
    const writer = body.writable.getWriter();
    const gone = () => {};
    writer.closed.catch(gone);
    signal.addEventListener("abort", () => writer.abort(signal.reason).catch(gone));
    answer(new Response(body.readable, { headers: { "Content-Type": "text/event-stream" } }));
    return {
      write: (bytes: Uint8Array | string) =>
        void writer.write(typeof bytes === "string" ? encoder.encode(bytes) : bytes).catch(gone),
      end: () => void writer.close(),
    };
  }

  refuse(status: number, headers: Record<string, string> = {}): void {
    const body = JSON.stringify({ code: status === 404 ? "notFound" : "unavailable", detail: "no", status });
    this.last.answer(new Response(body, { status, headers }));
  }
}

interface Seen {
  events: Told[];
  states: StreamState[];
  opened: boolean[];
  refused: ApiError[];
}

let network: Network;
let streams: EventStream[] = [];

function follow(bearer: string | null = null): Seen & { stream: EventStream } {
  const seen: Seen = { events: [], states: [], opened: [], refused: [] };
  const stream = new EventStream({
    url: "/api/events",
    bearer: () => bearer,
    onOpen: (resumed) => seen.opened.push(resumed),
    onEvents: (events) => seen.events.push(...events),
    onState: (state) => seen.states.push(state),
    onRefused: (error) => seen.refused.push(error),
  });
  streams.push(stream);
  return { ...seen, stream };
}

function look(state: DocumentVisibilityState): void {
  Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}

/** Let everything happen that waits for no time. */
const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(1);
  network = new Network();
});

afterEach(() => {
  for (const stream of streams) stream.close();
  streams = [];
  look("visible");
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("events are told by name, in order, with the credential of the room", async () => {
  const seen = follow("secret");
  const server = network.open();
  server.write("id: 1\nevent: session\ndata: {}\n\nevent: ready\ndata: {}\n\n: a comment\n\ndata: plain\n\n");
  await settle();
  expect(seen.events).toEqual([
    { name: "session", data: "{}" },
    { name: "ready", data: "{}" },
    { name: "message", data: "plain" },
  ]);
  expect(seen.states).toEqual(["connecting", "live"]);
  expect(network.last.headers.get("Authorization")).toBe("Bearer secret");
  expect(network.last.headers.has("Last-Event-ID")).toBe(false);
});

test("wherever the network cuts the bytes, the same events come out", async () => {
  const event = fc.record({
    name: fc.stringMatching(/^[a-z]{1,8}$/),
    data: fc.array(fc.string({ unit: "grapheme" }), { minLength: 1, maxLength: 3 }).map((lines) => lines.map(clean)),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { maxLength: 6 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
      async (sent, sizes) => {
        const text = sent.map(
          ({ name, data }, at) => `id: ${at}\nevent: ${name}\n${data.map((line) => `data: ${line}\n`).join("")}\n`,
        );
        const bytes = encoder.encode(text.join(""));
        const seen = follow();
        const server = network.open();
        for (let at = 0; at < bytes.length; ) {
          const size = sizes.next().value;
          server.write(bytes.slice(at, at + size));
          at += size;
        }
        await settle();
        seen.stream.close();
        expect(seen.events).toEqual(sent.map(({ name, data }) => ({ name, data: data.join("\n") })));
      },
    ),
    { numRuns: 60 },
  );
});

/** A line of an event has no line break, and a byte order mark at the beginning of a stream is none of its text. */
function clean(line: string): string {
  return line.replace(/[\r\n\uFEFF]/g, "");
}

test("after a break it goes on behind the last event", async () => {
  const seen = follow();
  const server = network.open();
  server.write("id: 41\ndata: a\n\nid: 42\ndata: b\n\ndata: without an id\n\n");
  await settle();
  server.end();
  await settle();
  expect(seen.states).toEqual(["connecting", "live", "reconnecting"]);
  await vi.advanceTimersByTimeAsync(250);
  expect(network.last.headers.get("Last-Event-ID")).toBe("42");
  network.open();
  await settle();
  expect(seen.opened).toEqual([false, true]);
  expect(seen.states.at(-1)).toBe("live");
});

test("pauses grow while no answer comes, and begin anew after one", async () => {
  follow();
  for (const rest of [250, 500, 1000]) {
    network.last.answer(new TypeError("Failed to fetch"));
    const before = network.requests.length;
    await vi.advanceTimersByTimeAsync(rest - 1);
    expect(network.requests.length).toBe(before);
    await vi.advanceTimersByTimeAsync(1);
    expect(network.requests.length).toBe(before + 1);
  }
  const server = network.open();
  await settle();
  server.end();
  const before = network.requests.length;
  await vi.advanceTimersByTimeAsync(250);
  expect(network.requests.length).toBe(before + 1);
});

test("a server that says when to come back is believed", async () => {
  follow();
  network.refuse(503, { "Retry-After": "7" });
  await vi.advanceTimersByTimeAsync(6999);
  expect(network.requests.length).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(network.requests.length).toBe(2);
});

test("a refusal is final until somebody tries again", async () => {
  const seen = follow();
  network.refuse(404);
  await vi.advanceTimersByTimeAsync(600_000);
  expect(network.requests.length).toBe(1);
  expect(seen.states).toEqual(["connecting", "ended"]);
  expect(seen.refused.map((error) => error.status)).toEqual([404]);
  seen.stream.retry();
  network.open();
  await settle();
  expect(seen.states.slice(2)).toEqual(["connecting", "live"]);
});

test("a try that somebody asks for does not wait", async () => {
  const seen = follow();
  network.refuse(503, { "Retry-After": "60" });
  await settle();
  seen.stream.retry();
  await settle();
  expect(network.requests.length).toBe(2);
});

test("a connection on which nothing is heard is dead", async () => {
  const seen = follow();
  const server = network.open();
  await settle();
  await vi.advanceTimersByTimeAsync(35_000);
  server.write(": ping\n\n");
  await vi.advanceTimersByTimeAsync(39_000);
  expect(seen.states).toEqual(["connecting", "live"]);
  const { signal } = network.last;
  await vi.advanceTimersByTimeAsync(6_250);
  expect(signal.aborted).toBe(true);
  expect(network.requests.length).toBe(2);
});

test("a page that is long hidden gives its connection back, and has it again when it is seen", async () => {
  const seen = follow();
  const server = network.open();
  await settle();
  look("hidden");
  for (let seconds = 0; seconds <= 310; seconds += 10) {
    server.write(": ping\n\n");
    await vi.advanceTimersByTimeAsync(10_000);
  }
  expect(network.last.signal.aborted).toBe(true);
  expect(seen.states.at(-1)).toBe("reconnecting");
  await vi.advanceTimersByTimeAsync(600_000);
  expect(network.requests.length).toBe(1);
  look("visible");
  await settle();
  expect(network.requests.length).toBe(2);
});

test("a network that is back is used at once", async () => {
  follow();
  network.refuse(503, { "Retry-After": "60" });
  await settle();
  window.dispatchEvent(new Event("online"));
  await settle();
  expect(network.requests.length).toBe(2);
});

test("closing ends the request, and nothing more is said", async () => {
  const seen = follow();
  const server = network.open();
  await settle();
  seen.stream.close();
  server.write("data: late\n\n");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(network.last.signal.aborted).toBe(true);
  expect(network.requests.length).toBe(1);
  expect(seen.states).toEqual(["connecting", "live"]);
  expect(seen.events).toEqual([]);
});
