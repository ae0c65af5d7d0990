import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type FakeServer, serve } from "./fakeserver";
import { Seen } from "./seen";

const X = new Uint8Array([120]);
let server: FakeServer;

beforeEach(() => {
  vi.useFakeTimers();
  server = serve();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function accepted(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
  server.accept();
  await vi.advanceTimersByTimeAsync(0);
}

test("who may only look says neither a size nor what was typed, before and after", async () => {
  server.readOnly = true;
  const seen = new Seen();
  seen.connection.open();
  seen.connection.resize(100, 40);
  expect(seen.connection.type(X)).toBe(true);
  await accepted();
  expect(seen.connection.state).toEqual({ name: "connected", readOnly: true });
  seen.connection.resize(90, 40);
  expect(seen.connection.type(X)).toBe(false);
  expect(server.last.bytes).toEqual([]);
  expect(server.last.texts.map(({ type }) => type)).toEqual(["ping"]);
});

test("who may type again after a break is asked for the size", async () => {
  server.readOnly = true;
  const seen = new Seen();
  seen.connection.open();
  seen.connection.resize(100, 40);
  await accepted();
  server.readOnly = false;
  server.last.end(1012);
  await accepted();
  expect(seen.connection.state).toEqual({ name: "connected", readOnly: false });
  expect(server.last.texts).toContainEqual({ type: "resize", cols: 100, rows: 40 });
  expect(seen.connection.type(X)).toBe(true);
  expect(server.last.bytes).toEqual([120]);
});

test("output that was overtaken goes on where it is kept, and there is one ping at a time", async () => {
  server.readOnly = true;
  server.ring = 2;
  const seen = new Seen();
  seen.connection.open();
  await accepted();
  server.print(1, 2, 3, 4);
  server.last.tell({ type: "ready", seq: 2, cols: 80, rows: 24, readOnly: true });
  server.deliver(2);
  expect([seen.lost, seen.output]).toEqual([2, [3, 4]]);
  const pings = () => server.last.texts.filter(({ type }) => type === "ping").length;
  const before = pings();
  await vi.advanceTimersByTimeAsync(8_000);
  expect(pings()).toBe(before + 1);
});
