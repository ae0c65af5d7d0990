import { act, cleanup, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { SessionView } from "#/api/schema";
import { heeding } from "#/testing/server";
import { session as view } from "#/testing/sessions";
import { RoomLive, useLive } from "./room";

const encoder = new TextEncoder();

let write: (text: string) => Promise<void>;
let asked: Headers[];
let answers: (() => Response)[];
let stop: () => void;

/** A server whose connections are streams; `write` writes to the newest. */
beforeEach(() => {
  asked = [];
  answers = [];
  vi.spyOn(Math, "random").mockReturnValue(0);
  vi.stubGlobal("fetch", async (_url: string, { headers, signal }: { headers: HeadersInit; signal: AbortSignal }) => {
    asked.push(new Headers(headers));
    const other = answers.shift();
    if (other) return other();
    const pipe = new TransformStream<Uint8Array, Uint8Array>();
    const writer = pipe.writable.getWriter();
    write = async (text) => (text === "" ? writer.close() : writer.write(encoder.encode(text)));
    return heeding(signal, Promise.resolve(new Response(pipe.readable)));
  });
});

afterEach(() => {
  stop();
  cleanup();
  vi.unstubAllGlobals();
});

function follow(list: () => Promise<readonly SessionView[]> = async () => []): RoomLive {
  const live = new RoomLive();
  stop = live.follow("w1", () => null, list);
  return live;
}

function session(id: string): string {
  return `event: session\ndata: ${JSON.stringify({ sessionId: id, workspaceId: "w1" })}\n\n`;
}

const READY = "id: 9\nevent: ready\ndata: {}\n\n";

function known(live: RoomLive): string[] {
  return [...live.state.get().sessions.keys()];
}

test("nothing is shown before all has been told, then everything at once", async () => {
  const live = follow();
  await vi.waitFor(() => expect(live.connection.get()).toBe("live"));
  await write(session("s1"));
  await write(session("s2"));
  expect(live.state.get().ready).toBe(false);
  await write(READY);
  await vi.waitFor(() => expect(known(live)).toEqual(["s1", "s2"]));
  await write(session("s3"));
  await vi.waitFor(() => expect(known(live)).toEqual(["s1", "s2", "s3"]));
});

test("a break is not seen: the state stays, and goes on behind the last event", async () => {
  const live = follow();
  await vi.waitFor(() => expect(live.connection.get()).toBe("live"));
  await write(session("s1") + READY);
  await vi.waitFor(() => expect(known(live)).toEqual(["s1"]));
  await write("");
  await vi.waitFor(() => expect(asked.length).toBe(2));
  expect(asked[1]?.get("Last-Event-ID")).toBe("9");
  await vi.waitFor(() => expect(live.connection.get()).toBe("live"));
  await write(session("s2"));
  await vi.waitFor(() => expect(known(live)).toEqual(["s1", "s2"]));
});

test("after a reset the old state is shown until the new one is complete", async () => {
  const live = follow();
  await vi.waitFor(() => expect(live.connection.get()).toBe("live"));
  await write(session("s1") + READY);
  await vi.waitFor(() => expect(known(live)).toEqual(["s1"]));
  await write(`event: reset\ndata: {}\n\n${session("s2")}`);
  await write(session("s3"));
  expect(known(live)).toEqual(["s1"]);
  await write(READY);
  await vi.waitFor(() => expect(known(live)).toEqual(["s2", "s3"]));
});

test("news are heard by who listens, until they stop", async () => {
  const live = follow();
  await vi.waitFor(() => expect(live.connection.get()).toBe("live"));
  const heard: string[] = [];
  const end = live.on("task", ({ data }) => heard.push(data));
  await write(`${READY}event: task\ndata: 1\n\n`);
  await vi.waitFor(() => expect(heard).toEqual(["1"]));
  end();
  await write(`event: task\ndata: 2\n\n${session("s1")}`);
  await vi.waitFor(() => expect(known(live)).toEqual(["s1"]));
  expect(heard).toEqual(["1"]);
});

test("a sign-in that has ended is told in words for a person", async () => {
  answers = [() => Response.json({ code: "unauthorized", detail: "send it as `Authorization: Bearer …`" }, { status: 401 })];
  const live = follow();
  await vi.waitFor(() => expect(live.refused.get()?.message).toMatch(/^Your sign-in has ended/));
});

test("a refusal is said, and is over when a new try succeeds", async () => {
  answers = [() => new Response('{"code": "forbidden", "detail": "not for you"}', { status: 403 })];
  const live = follow();
  await vi.waitFor(() => expect(live.refused.get()?.message).toBe("not for you"));
  expect(live.connection.get()).toBe("ended");
  live.retry();
  await vi.waitFor(() => expect(live.connection.get()).toBe("live"));
  expect(live.refused.get()).toBeNull();
});

test("a component follows its part alone", async () => {
  const live = follow();
  await vi.waitFor(() => expect(live.connection.get()).toBe("live"));
  let renders = 0;
  const { result } = renderHook(() => {
    renders += 1;
    return useLive(live, (state) => state.turns.size);
  });
  await act(async () => {
    await write(session("s1") + READY);
    await vi.waitFor(() => expect(known(live)).toEqual(["s1"]));
  });
  expect(renders).toBe(1);
  act(() => live.patch((state) => ({ ...state, turns: new Map(state.turns).set("u1", turn) })));
  expect(result.current).toBe(1);
});

const turn = {
  turnId: "u1",
  sessionId: "s1",
  workspaceId: "w1",
  worktreeId: null,
  agent: "claude",
  status: "running" as const,
  excerpt: "",
  startedAt: "2026-01-01T00:00:00Z",
  endedAt: null,
  firstEvent: 1,
  stopReason: null,
  error: null,
  stderr: null,
  usage: null,
};

test("of a room where nothing runs the sessions are asked for", async () => {
  const live = follow(async () => [view({ sessionId: "s1" }), view({ sessionId: "s2" })]);
  await vi.waitFor(() => expect(live.connection.get()).toBe("live"));
  await write(READY);
  await vi.waitFor(() => expect(known(live)).toEqual(["s1", "s2"]));
});

test("what is told while the sessions are asked for is newer than the answer", async () => {
  let give: (sessions: SessionView[]) => void = () => {};
  const live = follow(() => new Promise((resolve) => (give = resolve)));
  await vi.waitFor(() => expect(live.connection.get()).toBe("live"));
  await write(READY);
  await write(`event: session\ndata: ${JSON.stringify(view({ sessionId: "s1", name: "new" }))}\n\n`);
  expect(live.state.get().ready).toBe(false);
  await vi.waitFor(() => {
    give([view({ sessionId: "s1", name: "old" })]);
    expect(live.state.get().sessions.get("s1")?.name).toBe("new");
  });
});

test("when the sessions cannot be listed what was told is shown", async () => {
  const live = follow(() => Promise.reject(new Error("away")));
  await vi.waitFor(() => expect(live.connection.get()).toBe("live"));
  await write(session("s1"));
  await write(READY);
  await vi.waitFor(() => expect(known(live)).toEqual(["s1"]));
});

test("what was deleted while the sessions were asked for stays away", async () => {
  let give: (sessions: SessionView[]) => void = () => {};
  const live = follow(() => new Promise((resolve) => (give = resolve)));
  const told = vi.fn();
  live.on("sessionDeleted", told);
  await vi.waitFor(() => expect(live.connection.get()).toBe("live"));
  await write(READY);
  await write(`event: sessionDeleted\ndata: ${JSON.stringify({ sessionId: "s1", workspaceId: "w1" })}\n\n`);
  await vi.waitFor(() => expect(told).toHaveBeenCalled());
  give([view({ sessionId: "s1" }), view({ sessionId: "s2" })]);
  await vi.waitFor(() => expect(known(live)).toEqual(["s2"]));
});
