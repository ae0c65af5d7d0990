import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError, unreachable } from "#/api/problem";
import { FakeSocket, message } from "./fake";
import { LogSocket, type SocketState } from "./socket";
import type { Logged } from "./turn";

/** Answers how many events the log has. */
let newest: () => Promise<number>;
/** The log, as far as HTTP has it. */
let held: Logged[];
let told: number[];
let current: number[];
let states: SocketState[];
let refusals: ApiError[];
let socket: LogSocket;

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at + 1);
const messages = (count: number) => numbers(count).map(message);
const soon = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
  FakeSocket.all = [];
  held = [];
  told = [];
  current = [];
  states = [];
  refusals = [];
  newest = async () => held.length || (told.at(-1) ?? 0);
});

afterEach(() => {
  socket.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function begin(after = 0, token: string | null = null): Promise<void> {
  const options = {
    url: (from: number) => `ws://host/log?after=${from}`,
    bearer: () => token,
    read: async (from: number, limit: number) => ({
      items: held.filter(({ seq }) => seq > from).slice(0, limit),
      last: await newest(),
    }),
    onEvents: (events: Logged[]) => told.push(...events.map((event) => event.seq)),
    onCurrent: () => current.push(told.length),
    onState: (state: SocketState) => states.push(state),
    onRefused: (error: ApiError) => refusals.push(error),
  };
  socket = new LogSocket(options, after);
  await soon(0);
}

test("events that come together are told together, in order", async () => {
  await begin();
  FakeSocket.last().open();
  FakeSocket.last().say(1, 2, 3);
  expect(told).toEqual([]);
  await soon(50);
  expect(told).toEqual([1, 2, 3]);
  expect(states).toEqual(["connecting", "live"]);
});

test("after a break it goes on behind the last event, and tells none twice", async () => {
  await begin();
  FakeSocket.last().open();
  FakeSocket.last().say(1, 2);
  FakeSocket.last().end();
  await soon(1000);
  expect(FakeSocket.last().url).toBe("ws://host/log?after=2");
  FakeSocket.last().open();
  FakeSocket.last().say(2, 3);
  await soon(50);
  expect(told).toEqual([1, 2, 3]);
  expect(states).toEqual(["connecting", "live", "reconnecting", "live"]);
});

test("a token goes in the first frame, and without one nothing is sent", async () => {
  await begin(0, "secret");
  FakeSocket.last().open();
  expect(FakeSocket.last().sent).toEqual(['{"type":"auth","token":"secret"}']);
  socket.close();
  await begin();
  FakeSocket.last().open();
  FakeSocket.last().say(1);
  expect(FakeSocket.last().sent).toEqual([]);
});

test("a connection that leaves an event out is given up", async () => {
  await begin(4);
  const first = FakeSocket.last();
  first.open();
  first.say(5, 7);
  expect(first.closed).toBe(true);
  await soon(1000);
  expect(FakeSocket.last().url).toBe("ws://host/log?after=5");
  expect(told).toEqual([5]);
});

test("a silent connection is dead when the server has news that did not come", async () => {
  await begin();
  const first = FakeSocket.last();
  first.open();
  newest = async () => 9;
  await soon(40_000);
  expect(first.closed).toBe(true);
  expect(FakeSocket.last()).not.toBe(first);
});

test("a silent connection stays when there is no news", async () => {
  await begin();
  FakeSocket.last().open();
  await soon(600_000);
  expect(FakeSocket.all).toHaveLength(1);
});

test("a silent connection is dead when the server cannot be reached, and another is made when it is back", async () => {
  await begin();
  const first = FakeSocket.last();
  first.open();
  const answered = newest;
  newest = async () => {
    throw unreachable();
  };
  await soon(40_000);
  expect(first.closed).toBe(true);
  expect(states.at(-1)).toBe("reconnecting");
  newest = answered;
  await soon(15_000);
  expect(FakeSocket.all).toHaveLength(2);
  expect(refusals).toEqual([]);
});

test("what the server refuses for good is told once, and not tried again", async () => {
  await begin();
  newest = async () => {
    throw new ApiError("not_found", "there is no such session", 404);
  };
  FakeSocket.last().end();
  await soon(60_000);
  expect(FakeSocket.all).toHaveLength(1);
  expect(refusals.map((error) => error.code)).toEqual(["not_found"]);
  expect(states.at(-1)).toBe("ended");
});

test("a server that is away is tried again with pauses that grow, and at once when the network is back", async () => {
  vi.spyOn(Math, "random").mockReturnValue(1);
  let tries = 0;
  newest = async () => {
    tries += 1;
    throw unreachable();
  };
  await begin();
  await soon(60_000);
  const before = tries;
  expect(before).toBeLessThan(12);
  await soon(10_000);
  expect(tries - before).toBeLessThan(2);
  await soon(5_000);
  const after = tries;
  window.dispatchEvent(new Event("online"));
  await soon(0);
  expect(tries).toBe(after + 1);
  expect(FakeSocket.all).toHaveLength(0);
});

test("what the log holds already is told before the socket is there, which begins behind it", async () => {
  held = messages(1_200);
  await begin();
  expect(told).toEqual(numbers(1_200));
  expect(current).toEqual([1_200]);
  expect(FakeSocket.last().url).toBe("ws://host/log?after=1200");
});

test("what was missed while the network was away comes over HTTP, and none of it twice", async () => {
  await begin();
  FakeSocket.last().open();
  FakeSocket.last().say(1, 2);
  FakeSocket.last().end();
  held = messages(700);
  await soon(1000);
  expect(told).toEqual(numbers(700));
  expect(FakeSocket.last().url).toBe("ws://host/log?after=700");
});

test("a page in which an event is missing is not believed, and read again", async () => {
  held = messages(3).filter(({ seq }) => seq !== 2);
  newest = async () => 3;
  await begin();
  expect(told).toEqual([1]);
  expect(current).toEqual([]);
  expect(states.at(-1)).toBe("reconnecting");
  held = messages(3);
  await soon(1000);
  expect(told).toEqual([1, 2, 3]);
});

test("however connections break while a log grows, each event is told once and in order", async () => {
  const step = fc.record({ grow: fc.nat(1_500), say: fc.nat(6), back: fc.nat(3), refuse: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
      FakeSocket.all = [];
      [held, told, current] = [[], [], []];
      await begin();
      for (const { grow, say, back, refuse } of steps) {
        const connection = FakeSocket.last();
        if (!refuse) connection.open();
        const from = Number(new URL(connection.url).searchParams.get("after"));
        // A server that begins too early is believed, as far as it says what is known already.
        const first = Math.max(1, from + 1 - back);
        held = messages(held.length + grow + say);
        connection.tell(...held.slice(first - 1, from + say));
        connection.end(refuse ? 4400 : 1006);
        await soon(20_000);
      }
      socket.close();
      expect(told).toEqual(numbers(held.length));
    }),
    { numRuns: 40 },
  );
});

test("after close nothing is told and nothing is tried", async () => {
  await begin();
  const first = FakeSocket.last();
  first.open();
  first.say(1);
  socket.close();
  await soon(60_000);
  expect(told).toEqual([]);
  expect(first.closed).toBe(true);
  expect(FakeSocket.all).toHaveLength(1);
});

test("an event of a sort that only a later server knows is no gap", async () => {
  await begin();
  FakeSocket.last().open();
  FakeSocket.last().onmessage?.({ data: '{"type":"weather","seq":1}' });
  FakeSocket.last().say(2);
  await soon(50);
  expect(told).toEqual([1, 2]);
});

test("frames that are no events are passed over", async () => {
  await begin();
  FakeSocket.last().open();
  for (const data of ["", "no JSON", "null", '{"type":"error","code":"x","message":"y"}', '{"type":"message","seq":"1"}']) {
    FakeSocket.last().onmessage?.({ data });
  }
  FakeSocket.last().say(1);
  await soon(50);
  expect(told).toEqual([1]);
});
