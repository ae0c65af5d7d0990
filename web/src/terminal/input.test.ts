import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FakeSocket, serve } from "./fakeserver";
import { Input } from "./input";
import { INPUT_FRAME } from "./protocol";

let input: Input;
let socket: WebSocket & FakeSocket;

beforeEach(() => {
  vi.useFakeTimers();
  serve();
  input = new Input();
  const made = new WebSocket("ws://hostel.test/");
  if (!isFake(made)) throw new Error("the WebSocket is real");
  socket = made;
  socket.readyState = 1;
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function isFake(made: unknown): made is WebSocket & FakeSocket {
  return made instanceof FakeSocket;
}

test("what is large goes in pieces, and no faster than the network takes it", () => {
  input.connect(socket);
  socket.bufferedAmount = 1_000_000;
  input.type(new Uint8Array(3 * INPUT_FRAME + 1));
  vi.advanceTimersByTime(1000);
  expect(socket.bytes).toHaveLength(0);
  socket.bufferedAmount = 0;
  vi.advanceTimersByTime(100);
  expect(socket.bytes).toHaveLength(3 * INPUT_FRAME + 1);
});

test("Ctrl-C drops what waits and is sent itself", () => {
  input.connect(socket);
  socket.bufferedAmount = 1_000_000;
  input.type(new Uint8Array(100));
  input.type(Uint8Array.of(3));
  socket.bufferedAmount = 0;
  vi.advanceTimersByTime(100);
  expect(socket.bytes).toEqual([3]);
});

test("more than fits is not taken", () => {
  expect(input.type(new Uint8Array(17 * 1024 * 1024))).toBe(false);
  expect(input.type(Uint8Array.of(1))).toBe(true);
});
