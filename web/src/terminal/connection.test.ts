import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type FakeServer, serve } from "./fakeserver";
import { WINDOW } from "./protocol";
import { Seen } from "./seen";
import type { ConnectionOptions } from "./states";

let server: FakeServer;

beforeEach(() => {
  vi.useFakeTimers();
  server = serve();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A connection that is ready. */
async function connected(options: Partial<ConnectionOptions> = {}): Promise<Seen> {
  const seen = new Seen(options);
  seen.connection.open();
  await vi.advanceTimersByTimeAsync(0);
  server.accept();
  await vi.advanceTimersByTimeAsync(0);
  return seen;
}

/** Wait until it has dialled once more. */
async function redialled(count: number): Promise<void> {
  for (let waited = 0; server.sockets.length < count && waited < 200; waited += 1) {
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(server.sockets).toHaveLength(count);
}

test("output is passed on and is acknowledged when it was drawn", async () => {
  const seen = await connected();
  expect(seen.names).toEqual(["connecting", "connected"]);
  server.last.tell(new Uint8Array(WINDOW / 2).buffer);
  expect(seen.bytes).toBe(WINDOW / 2);
  expect(server.last.acked).toBe(0);
  seen.draw();
  expect(server.last.acked).toBe(WINDOW / 2);
});

test("what was printed before the viewer came is told apart from news", async () => {
  server.print(1, 2, 3);
  const seen = await connected();
  server.print(4, 5);
  server.deliver(5);
  expect(seen.output).toEqual([1, 2, 3, 4, 5]);
  expect(seen.old).toEqual([1, 2, 3]);
});

test("the size of the pane is told when it is ready, again after a break, and once", async () => {
  const seen = await connected();
  seen.connection.resize(100, 40);
  seen.connection.resize(100, 40);
  server.last.end(1006);
  const first = server.last;
  await redialled(2);
  server.accept();
  for (const socket of [first, server.last]) {
    expect(socket.texts.filter(({ type }) => type === "resize")).toEqual([{ type: "resize", cols: 100, rows: 40 }]);
  }
});

test.each([1001, 1012])("a server that asks its clients to come back (%i) sees them at once", async (code) => {
  await connected();
  server.last.end(code);
  await vi.advanceTimersByTimeAsync(0);
  expect(server.sockets).toHaveLength(2);
});

test("after a break it waits longer and longer, with jitter, and in the end for a person", async () => {
  const seen = await connected();
  vi.spyOn(Math, "random").mockReturnValue(1);
  const dialled: number[] = [];
  server.last.end(1006);
  const begun = Date.now();
  while (seen.connection.state.name !== "failed") {
    const count = server.sockets.length;
    await vi.advanceTimersToNextTimerAsync();
    if (server.sockets.length > count) {
      dialled.push(Date.now() - begun);
      server.last.end(1006);
    }
  }
  expect(dialled.slice(0, 8)).toEqual([250, 750, 1750, 3750, 7750, 15750, 30750, 45750]);
  expect(dialled.at(-1)).toBeGreaterThan(5 * 60_000);
  expect(seen.states.at(-1)).toEqual({ name: "failed", reason: "unreachable", message: "The server does not answer." });
  const count = server.sockets.length;
  await vi.advanceTimersByTimeAsync(10 * 60_000);
  expect(server.sockets).toHaveLength(count);
  seen.connection.wake();
  await vi.advanceTimersByTimeAsync(0);
  expect(server.sockets).toHaveLength(count + 1);
});

test("a dead peer is found within 20 seconds, by silence alone", async () => {
  const seen = await connected();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(seen.connection.state.name).toBe("connected");
  server.silent = true;
  await vi.advanceTimersByTimeAsync(20_000);
  expect(seen.connection.state.name).not.toBe("connected");
});

test("a connection that never becomes ready is given up", async () => {
  const seen = new Seen();
  seen.connection.open();
  await vi.advanceTimersByTimeAsync(16_000);
  expect(seen.names.slice(0, 2)).toEqual(["connecting", "reconnecting"]);
});

test("a page that wakes up finds out at once whether the server is there", async () => {
  const seen = await connected();
  server.silent = true;
  seen.connection.wake();
  await vi.advanceTimersByTimeAsync(11_000);
  expect(seen.connection.state.name).not.toBe("connected");
});

test("a cookie that is good no more is a failure, and no loop", async () => {
  const seen = await connected();
  server.last.end(4401);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(server.sockets).toHaveLength(1);
  expect(seen.states.at(-1)).toMatchObject({ name: "failed", reason: "unauthorized" });
  seen.connection.open();
  await vi.advanceTimersByTimeAsync(0);
  server.accept();
  expect(seen.connection.state.name).toBe("connected");
});

test("a token is sent as the first frame, and asked for once more when it has expired", async () => {
  server.token = "one";
  const tokens = ["one", "two"];
  const seen = await connected({ token: async () => tokens.shift() ?? "none" });
  expect(server.last.texts[0]).toEqual({ type: "auth", token: "one" });
  server.token = "two";
  server.last.end(4401);
  await vi.advanceTimersByTimeAsync(0);
  server.accept();
  expect(seen.connection.state.name).toBe("connected");
  server.last.end(4401);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(seen.states.at(-1)).toMatchObject({ name: "failed", reason: "unauthorized" });
  expect(server.sockets).toHaveLength(2);
});

test("a token that is refused as it comes is a failure, with the server's words", async () => {
  server.token = "other";
  const seen = await connected({ token: async () => "wrong" });
  expect(seen.states.at(-1)).toEqual({ name: "failed", reason: "unauthorized", message: "who are you?" });
});

test("a token that cannot be had now is asked for again", async () => {
  server.token = "late";
  let asked = 0;
  const seen = new Seen({
    token: async () => {
      asked += 1;
      if (asked === 1) throw new TypeError("offline");
      return "late";
    },
  });
  seen.connection.open();
  await redialled(1);
  server.accept();
  expect(seen.connection.state.name).toBe("connected");
});

test.each([
  [4404, "gone"],
  [4410, "gone"],
  [4403, "refused"],
  [1008, "refused"],
])("close code %i ends it: %s", async (code, reason) => {
  const seen = await connected();
  server.last.end(code);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(seen.states.at(-1)).toMatchObject({ name: "failed", reason });
  expect(server.sockets).toHaveLength(1);
});

test("a program that ends is told with its status, and nobody dials again", async () => {
  const seen = await connected();
  server.last.tell({ type: "exit", code: 7 });
  server.last.end(1000);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(seen.states.at(-1)).toEqual({ name: "exited", code: 7, signal: null });
  expect(server.sockets).toHaveLength(1);
  expect(seen.connection.type(Uint8Array.of(1))).toBe(false);
});

test("what is typed during a break arrives after it, once", async () => {
  const seen = await connected();
  seen.connection.type(Uint8Array.of(1));
  server.last.end(1006);
  seen.connection.type(Uint8Array.of(2, 3));
  await redialled(2);
  server.accept();
  expect(server.sockets.map(({ bytes }) => bytes)).toEqual([[1], [2, 3]]);
});

test("bytes that the server has not kept are told as a gap", async () => {
  const seen = await connected();
  server.print(1, 2, 3);
  server.deliver(3);
  server.last.end(1006);
  server.print(4, 5, 6, 7);
  server.ring = 2;
  await redialled(2);
  server.accept();
  server.deliver(9);
  expect(seen.output).toEqual([1, 2, 3, 6, 7]);
  expect(seen.lost).toBe(2);
});

test("a server that begins earlier than it was asked to doubles nothing", async () => {
  const seen = await connected();
  server.print(1, 2, 3, 4);
  server.deliver(3);
  server.last.tell({ type: "ready", seq: 1, cols: 80, rows: 24 });
  server.last.tell(Uint8Array.of(2, 3, 4).buffer);
  expect(seen.output).toEqual([1, 2, 3, 4]);
});

test("frames that nobody knows are passed over", async () => {
  const seen = await connected();
  for (const text of ["", "[]", "null", '{"type":"news"}', '{"type":"ready","seq":-1}', "{".repeat(1000)]) {
    server.last.onmessage?.({ data: text });
  }
  expect(seen.names).toEqual(["connecting", "connected"]);
});

test("a closed connection stays closed", async () => {
  const seen = await connected();
  seen.connection.close();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(server.sockets).toHaveLength(1);
  expect(vi.getTimerCount()).toBe(0);
});

test("output that piles up because input is stuck makes it come back, and is not lost", async () => {
  const seen = await connected();
  const chunk = 1024 * 1024;
  for (let at = 0; at < 9; at += 1) {
    server.last.tell(new Uint8Array(chunk).buffer);
  }
  expect(seen.refused).toHaveLength(1);
  expect(seen.names.at(-1)).toBe("reconnecting");
  await redialled(2);
  expect(server.last.url.searchParams.get("after")).toBe(String(9 * chunk));
});
