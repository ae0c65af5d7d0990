import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError, unreachable } from "#/api/problem";
import { FakeSocket } from "./fake";
import { LogSocket, type SocketState } from "./socket";
import type { Logged } from "./turn";

let newest: () => Promise<number>;
let told: number[];
let states: SocketState[];
let refusals: ApiError[];
let socket: LogSocket;

const soon = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
  FakeSocket.all = [];
  told = [];
  states = [];
  refusals = [];
  newest = async () => told.at(-1) ?? 0;
});

afterEach(() => {
  socket.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function begin(after = 0, token: string | null = null): void {
  const options = {
    url: (from: number) => `ws://host/log?after=${from}`,
    bearer: () => token,
    newest: () => newest(),
    onEvents: (events: Logged[]) => told.push(...events.map((event) => event.seq)),
    onState: (state: SocketState) => states.push(state),
    onRefused: (error: ApiError) => refusals.push(error),
  };
  socket = new LogSocket(options, after);
}

test("events that come together are told together, in order", async () => {
  begin();
  FakeSocket.last().open();
  FakeSocket.last().say(1, 2, 3);
  expect(told).toEqual([]);
  await soon(50);
  expect(told).toEqual([1, 2, 3]);
  expect(states).toEqual(["connecting", "live"]);
});

test("after a break it goes on behind the last event, and tells none twice", async () => {
  begin();
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
  begin(0, "secret");
  FakeSocket.last().open();
  expect(FakeSocket.last().sent).toEqual(['{"type":"auth","token":"secret"}']);
  socket.close();
  begin();
  FakeSocket.last().open();
  FakeSocket.last().say(1);
  expect(FakeSocket.last().sent).toEqual([]);
});

test("a connection that leaves an event out is given up", async () => {
  begin(4);
  const first = FakeSocket.last();
  first.open();
  first.say(5, 7);
  expect(first.closed).toBe(true);
  await soon(1000);
  expect(FakeSocket.last().url).toBe("ws://host/log?after=5");
  expect(told).toEqual([5]);
});

test("a silent connection is dead when the server has news that did not come", async () => {
  begin();
  const first = FakeSocket.last();
  first.open();
  newest = async () => 9;
  await soon(40_000);
  expect(first.closed).toBe(true);
  expect(FakeSocket.last()).not.toBe(first);
});

test("a silent connection stays when there is no news", async () => {
  begin();
  FakeSocket.last().open();
  await soon(600_000);
  expect(FakeSocket.all).toHaveLength(1);
});

test("a silent connection is dead when the server cannot be reached", async () => {
  begin();
  FakeSocket.last().open();
  newest = async () => {
    throw unreachable();
  };
  await soon(40_000);
  expect(FakeSocket.all.length).toBeGreaterThan(1);
  expect(refusals).toEqual([]);
});

test("what the server refuses for good is told once, and not tried again", async () => {
  begin();
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
  begin();
  newest = async () => {
    throw unreachable();
  };
  vi.spyOn(Math, "random").mockReturnValue(1);
  for (let tries = 0; tries < 8; tries += 1) {
    FakeSocket.last().end();
    await soon(16_000);
  }
  const before = FakeSocket.all.length;
  FakeSocket.last().end();
  await soon(5000);
  expect(FakeSocket.all).toHaveLength(before);
  window.dispatchEvent(new Event("online"));
  await soon(0);
  expect(FakeSocket.all).toHaveLength(before + 1);
});

test("after close nothing is told and nothing is tried", async () => {
  begin();
  const first = FakeSocket.last();
  first.open();
  first.say(1);
  socket.close();
  await soon(60_000);
  expect(told).toEqual([]);
  expect(first.closed).toBe(true);
  expect(FakeSocket.all).toHaveLength(1);
});

test("frames that are no events are passed over", async () => {
  begin();
  FakeSocket.last().open();
  for (const data of ["", "no JSON", "null", '{"type":"error","code":"x","message":"y"}', '{"type":"message","seq":"1"}']) {
    FakeSocket.last().onmessage?.({ data });
  }
  FakeSocket.last().say(1);
  await soon(50);
  expect(told).toEqual([1]);
});
