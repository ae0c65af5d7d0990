import { afterEach, expect, test, vi } from "vitest";
import { createApi } from "#/api/client";
import type { ChannelMessageView } from "#/api/schema";
import { RoomLive } from "#/live/room";
import type { Room } from "#/room/room";
import { BASE, WORKSPACE } from "#/testing/page";
import { type Asked, problem, Server } from "#/testing/server";
import { newest } from "./messages";
import { Thread } from "./thread";

const CHANNEL = "ch000000000000000000000001";
const AT = `${BASE}/channels/${CHANNEL}`;

/** A channel on the server: what it holds, and what it lets happen. */
class Channel {
  readonly server = new Server();
  readonly #live = new RoomLive();
  messages: ChannelMessageView[] = [];
  readonly #sent = new Map<string, ChannelMessageView>();
  #stop = () => {};

  constructor(size: number) {
    for (let number = 1; number <= size; number += 1) this.add(`message ${number}`);
    this.server
      .on(`GET ${AT}`, () => ({ channelId: CHANNEL, last: this.last }))
      .on(`GET ${AT}/messages`, (asked) => this.page(asked))
      .on(`POST ${AT}/messages`, (asked) => this.take(asked));
  }

  get last(): number {
    return this.messages.at(-1)?.number ?? 0;
  }

  add(text: string): ChannelMessageView {
    const about = { channelId: CHANNEL, workspaceId: WORKSPACE, author: "u1", name: "", createdAt: "2026-01-01T00:00:00Z" };
    const message = { ...about, number: this.last + 1, text };
    this.messages.push(message);
    return message;
  }

  page({ path }: Asked) {
    const query = new URL(path, "http://x").searchParams;
    const [after, limit] = [Number(query.get("after")), Number(query.get("limit"))];
    const items = this.messages.filter(({ number }) => number > after).slice(0, limit);
    return { items, last: this.last, reset: after + 1 < (this.messages[0]?.number ?? this.last + 1) };
  }

  take({ headers, body }: Asked): ChannelMessageView {
    const key = headers.get("Idempotency-Key") ?? "";
    const message = this.#sent.get(key) ?? this.add(textOf(body));
    this.#sent.set(key, message);
    return message;
  }

  /** What the room's stream tells of a message. */
  tell(): void {
    this.server.tell("channel", { channelId: CHANNEL, last: this.last });
  }

  follow(): Thread {
    const api = createApi(
      () => null,
      () => {},
    );
    const room: Room = { workspaceId: WORKSPACE, api, bearer: () => null, may: () => true, live: this.#live };
    const thread = new Thread(room, CHANNEL);
    const stops = [
      this.#live.follow(
        WORKSPACE,
        () => null,
        async () => [],
      ),
      thread.follow(),
    ];
    this.#stop = () => {
      for (const stop of stops) stop();
    };
    return thread;
  }

  close(): void {
    this.#stop();
  }
}

function textOf(body: unknown): string {
  if (typeof body !== "object" || body === null || !("text" in body)) throw new Error("no text");
  return String(body.text);
}

let channel: Channel;
afterEach(() => channel.close());

const texts = (thread: Thread) => thread.state.get().items.map(({ text }) => text);
const numbers = (thread: Thread) => thread.state.get().items.map(({ number }) => number);

async function opened(size: number): Promise<Thread> {
  channel = new Channel(size);
  const thread = channel.follow();
  await vi.waitFor(() => expect(thread.state.get().ready).toBe(true));
  return thread;
}

test("a channel opens at its end, and says that there is more before", async () => {
  const thread = await opened(250);
  expect([numbers(thread).at(0), newest(thread.state.get())]).toEqual([151, 250]);
  expect(thread.state.get().older).toBe("some");
});

test("older messages come page by page, up to the first", async () => {
  const thread = await opened(250);
  await thread.loadOlder();
  await thread.loadOlder();
  expect(numbers(thread)).toEqual(Array.from({ length: 250 }, (_, index) => index + 1));
  expect(thread.state.get().older).toBe("none");
  const before = channel.server.asked.length;
  await thread.loadOlder();
  expect(channel.server.asked).toHaveLength(before);
});

test("messages that are not kept any more are told as such", async () => {
  channel = new Channel(50);
  channel.messages = channel.messages.slice(30);
  const thread = channel.follow();
  await vi.waitFor(() => expect(thread.state.get().older).toBe("dropped"));
  expect(numbers(thread).at(0)).toBe(31);
});

test("what the stream tells of is read behind what is known", async () => {
  const thread = await opened(3);
  channel.add("a fourth");
  channel.tell();
  await vi.waitFor(() => expect(texts(thread).at(-1)).toBe("a fourth"));
  expect(channel.server.of(`GET ${AT}/messages`).at(-1)?.path).toContain("after=3");
});

test("whoever was away for thousands of messages begins anew at the end", async () => {
  const thread = await opened(3);
  for (let more = 0; more < 1500; more += 1) channel.add("while away");
  channel.tell();
  await vi.waitFor(() => expect(newest(thread.state.get())).toBe(1503));
  expect(numbers(thread).at(0)).toBe(1404);
});

test("a message is shown at once, and only once when the stream is quicker than its answer", async () => {
  const thread = await opened(1);
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  channel.server.on(`POST ${AT}/messages`, async (asked) => {
    const message = channel.take(asked);
    channel.tell();
    await held;
    return message;
  });
  thread.send("mine", "");
  expect(thread.state.get().pending.map(({ text }) => text)).toEqual(["mine"]);
  await vi.waitFor(() => expect(channel.last).toBe(2));
  expect(texts(thread)).toEqual(["message 1"]);
  release();
  await vi.waitFor(() => expect(thread.state.get().pending).toEqual([]));
  expect(texts(thread)).toEqual(["message 1", "mine"]);
});

test("what others said meanwhile comes before the own message", async () => {
  const thread = await opened(1);
  channel.add("theirs");
  thread.send("mine", "");
  await vi.waitFor(() => expect(texts(thread)).toEqual(["message 1", "theirs", "mine"]));
});

test("several messages keep their order", async () => {
  const thread = await opened(0);
  for (const text of ["one", "two", "three"]) thread.send(text, "");
  await vi.waitFor(() => expect(texts(thread)).toEqual(["one", "two", "three"]));
});

test("one that was refused stays with its reason, and is sent again under the same key", async () => {
  const thread = await opened(1);
  channel.server.on(`POST ${AT}/messages`, () => problem(503, { code: "unavailable", detail: "not now" }));
  thread.send("mine", "me");
  await vi.waitFor(() => expect(thread.state.get().pending[0]?.error).toMatchObject({ code: "unavailable" }));
  channel.server.on(`POST ${AT}/messages`, (asked) => channel.take(asked));
  thread.retry(thread.state.get().pending[0]?.key ?? "");
  await vi.waitFor(() => expect(texts(thread)).toEqual(["message 1", "mine"]));
  const keys = channel.server.of(`POST ${AT}/messages`).map(({ headers }) => headers.get("Idempotency-Key"));
  expect(keys).toHaveLength(2);
  expect(new Set(keys).size).toBe(1);
});

test("one whose answer was lost is not there twice after another try", async () => {
  const thread = await opened(0);
  channel.server.on(`POST ${AT}/messages`, (asked) => {
    channel.take(asked);
    throw new TypeError("the network is gone");
  });
  thread.send("mine", "");
  await vi.waitFor(() => expect(thread.state.get().pending[0]?.error).toMatchObject({ code: "network" }));
  channel.server.on(`POST ${AT}/messages`, (asked) => channel.take(asked));
  thread.retry(thread.state.get().pending[0]?.key ?? "");
  await vi.waitFor(() => expect(thread.state.get().pending).toEqual([]));
  expect(texts(thread)).toEqual(["mine"]);
});

test("a channel that is gone says so, and is not asked for again", async () => {
  const thread = await opened(1);
  channel.server.on(`GET ${AT}`, () => problem(404, { code: "not_found", detail: "there is no such thing" }));
  channel.add("unseen");
  channel.tell();
  await vi.waitFor(() => expect(thread.state.get().error).toMatchObject({ status: 404 }));
});
