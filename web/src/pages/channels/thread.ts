import { useEffect, useMemo, useSyncExternalStore } from "react";
import { answer, newKey } from "#/api/client";
import { ApiError } from "#/api/problem";
import type { ChannelMessageView, ChannelView, MessagePage } from "#/api/schema";
import { Store } from "#/api/store";
import { backoff, pause } from "#/live/backoff";
import { type Room, useRoom } from "#/room/room";
import { appended, begun, EMPTY, type Messages, newest, prepended, sending, settled } from "./messages";

/** Messages that are read at a time. */
const PAGE = 100;
/** Whoever was away for more messages than these begins anew at the end. */
const FAR = 1000;
/** Milliseconds after which a message counts as not sent. */
const PATIENCE = 20_000;

/** One channel's messages: its end, what comes, what is sent, and older ones on request. */
export class Thread {
  readonly state = new Store<Messages>(EMPTY);
  readonly #room: Room;
  readonly #path: { workspaceId: string; channelId: string };
  #stop = new AbortController();
  /** Reading on and sending happen one after the other: so an own message is never shown both as sent and as read. */
  #line: Promise<void> = Promise.resolve();
  #asked = false;
  #tries = 0;
  #looking = false;

  constructor(room: Room, channelId: string) {
    this.#room = room;
    this.#path = { workspaceId: room.workspaceId, channelId };
  }

  /** Begin. Answers how to stop. */
  follow(): () => void {
    this.#stop = new AbortController();
    const { live } = this.#room;
    const stops = [
      live.on("channel", ({ data }) => {
        const told: ChannelView = JSON.parse(data);
        if (told.channelId === this.#path.channelId && told.last > newest(this.state.get())) this.#ask();
      }),
      // The stream has begun anew: what came meanwhile was not told.
      live.on("ready", () => this.#ask()),
    ];
    this.#ask();
    return () => {
      this.#stop.abort();
      for (const stop of stops) stop();
    };
  }

  /** Send a message; it is shown at once. */
  send(text: string, name: string): void {
    const message = { key: newKey(), text, name, error: null };
    this.state.set(sending(this.state.get(), message));
    this.#queue(() => this.#deliver(message.key));
  }

  /** Send one that has failed once more. */
  retry(key: string): void {
    this.state.set(settled(this.state.get(), key, null));
    this.#queue(() => this.#deliver(key));
  }

  /** Forget one that has failed. */
  discard(key: string): void {
    this.state.set(settled(this.state.get(), key));
  }

  /** Read the page before the first message. Throws an ApiError. */
  async loadOlder(): Promise<void> {
    const first = this.state.get().items[0]?.number ?? 1;
    if (this.#looking || first <= 1) return;
    this.#looking = true;
    try {
      const after = Math.max(0, first - 1 - PAGE);
      const page = await this.#read(after, first - 1 - after);
      // Meanwhile the list may have begun anew.
      if (this.state.get().items[0]?.number === first) this.state.set(prepended(this.state.get(), page));
    } finally {
      this.#looking = false;
    }
  }

  #queue(job: () => Promise<void>): void {
    this.#line = this.#line.then(job);
  }

  #ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    this.#queue(() => this.#catchUp());
  }

  async #catchUp(): Promise<void> {
    this.#asked = false;
    if (this.#stop.signal.aborted) return;
    try {
      await this.#fill();
      this.#tries = 0;
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      if (error instanceof ApiError && error.passing) void this.#askLater(this.#stop.signal);
      else this.state.set({ ...this.state.get(), error });
    }
  }

  async #askLater(stopped: AbortSignal): Promise<void> {
    await pause(Math.max(500, backoff(this.#tries)), stopped);
    this.#tries += 1;
    if (!stopped.aborted) this.#ask();
  }

  /** Read on to the end. */
  async #fill(): Promise<void> {
    const { last } = await answer(
      this.#room.api.GET("/api/workspaces/{workspaceId}/channels/{channelId}", { params: { path: this.#path } }),
    );
    const known = this.state.get();
    if (!known.ready || last - newest(known) > FAR) {
      const page = await this.#read(Math.max(0, last - PAGE), PAGE);
      this.state.set(begun(this.state.get(), page));
    }
    while (newest(this.state.get()) < last) {
      const page = await this.#read(newest(this.state.get()), PAGE);
      if (page.items.length === 0) return;
      this.state.set(appended(this.state.get(), page.items));
    }
  }

  async #deliver(key: string): Promise<void> {
    const message = this.state.get().pending.find((pending) => pending.key === key);
    if (message === undefined) return;
    try {
      const sent = await this.#post(message.text, message.name, key);
      // Others were quicker: theirs come first.
      if (sent.number > newest(this.state.get()) + 1) await this.#fill();
      this.state.set(settled(appended(this.state.get(), [sent]), key));
    } catch (error) {
      this.state.set(settled(this.state.get(), key, error));
    }
  }

  #post(text: string, name: string, key: string): Promise<ChannelMessageView> {
    return answer(
      this.#room.api.POST("/api/workspaces/{workspaceId}/channels/{channelId}/messages", {
        params: { path: this.#path, header: { "Idempotency-Key": key } },
        body: { text, name },
        signal: AbortSignal.timeout(PATIENCE),
      }),
    );
  }

  async #read(after: number, limit: number): Promise<MessagePage> {
    const found = await answer(
      this.#room.api.GET("/api/workspaces/{workspaceId}/channels/{channelId}/messages", {
        params: { path: this.#path, query: { after, limit } },
        signal: this.#stop.signal,
      }),
    );
    // The other form of this reply is a stream, for who asks for one.
    if (found === undefined || !("items" in found)) throw new ApiError("internal", "a page of messages was expected");
    return found;
  }
}

/** The messages of a channel, followed as long as the page shows them. */
export function useThread(channelId: string): { thread: Thread; messages: Messages } {
  const room = useRoom();
  const thread = useMemo(() => new Thread(room, channelId), [room, channelId]);
  useEffect(() => thread.follow(), [thread]);
  return { thread, messages: useSyncExternalStore(thread.state.subscribe, thread.state.get) };
}
