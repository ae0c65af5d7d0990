import { useEffect, useState } from "react";
import { answer } from "#/api/client";
import { ApiError, messageOf } from "#/api/problem";
import { workKey } from "#/api/work";
import { backoff, pause } from "#/live/backoff";
import { type Room, useRoom } from "#/room/room";
import { useKept } from "../kept";
import { type Place, placeKey, type Turn } from "../log/turn";
import { isQueue, NO_QUEUE, type Prompt, refused, removed, type Step, step } from "./queue";

/** A prompt that is on its way, or was taken and is not in the log yet. */
export interface Underway {
  prompt: Prompt;
  /** Null until the server has taken it. */
  turnId: string | null;
  /** Why it is not there yet, when a try has failed. */
  trouble: string | null;
}

/** The prompts of a conversation that wait. While `ready`, they are sent one after the other, each when the turn before is over. */
export function useQueue(sessionId: string, place: Place, turns: readonly Turn[], ready: boolean) {
  const room = useRoom();
  const [queue, change] = useKept(workKey(`queue.${room.workspaceId}.${sessionId}.${placeKey(place)}`), NO_QUEUE, isQueue);
  const [taken, setTaken] = useState<Underway | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  /** The prompt that was asked for and not answered yet: what the log says may come before the answer does. */
  const [flying, setFlying] = useState<string | null>(null);
  const awaited = taken !== null && turns.every((turn) => turn.turnId !== taken.turnId) ? taken : null;
  const next: Step = step(queue, turns.at(-1));
  const prompt = ready && awaited === null && next.kind === "send" ? next.prompt : null;
  const { agent, worktreeId } = place;

  useEffect(() => {
    if (prompt === null) return;
    const stop = new AbortController();
    const deliver = async () => {
      try {
        const turnId = await delivered(room, sessionId, { agent, worktreeId }, prompt, setTrouble, stop.signal);
        if (turnId === null) return;
        setTaken({ prompt, turnId, trouble: null });
        change((known) => removed(known, prompt.key));
      } catch (error) {
        change((known) => refused(known, prompt.key, error instanceof ApiError ? error.code : "internal", messageOf(error)));
      } finally {
        setFlying((known) => (known === prompt.key ? null : known));
      }
    };
    setTrouble(null);
    setFlying(prompt.key);
    void deliver();
    return () => stop.abort();
  }, [prompt, room, sessionId, agent, worktreeId, change]);

  const underway: Underway | null = awaited ?? (prompt && { prompt, turnId: null, trouble });
  const waiting = queue.items.filter((item) => item.key !== underway?.prompt.key && item.key !== flying);
  return { queue, waiting, next, underway, change };
}

/** The turn that a prompt has begun, after as many tries as that takes; null when no more are wanted. Throws what does not pass. */
async function delivered(
  room: Room,
  sessionId: string,
  place: Place,
  prompt: Prompt,
  onTrouble: (trouble: string) => void,
  stopped: AbortSignal,
): Promise<string | null> {
  for (let tries = 0; !stopped.aborted; tries += 1) {
    try {
      return (await post(room, sessionId, place, prompt)).turnId;
    } catch (error) {
      if (stopped.aborted) return null;
      if (!(error instanceof ApiError) || !passes(error)) throw error;
      onTrouble(messageOf(error));
      await pause(Math.max(500, backoff(tries), (error.retryAfter ?? 0) * 1000), stopped);
    }
  }
  return null;
}

/** A conversation has one turn at a time: one that this page does not know of yet ends too. */
function passes(error: ApiError): boolean {
  return error.passing || error.code === "conflict";
}

function post(room: Room, sessionId: string, place: Place, prompt: Prompt) {
  const { workspaceId } = room;
  return answer(
    room.api.POST("/api/workspaces/{workspaceId}/sessions/{sessionId}/prompt", {
      params: { path: { workspaceId, sessionId }, header: { "Idempotency-Key": prompt.key } },
      body: {
        text: prompt.text,
        agent: place.agent,
        worktreeId: place.worktreeId,
        worktree: null,
        attachments: prompt.attachments.map((file) => file.attachmentId),
        mode: prompt.mode,
        model: prompt.model,
      },
    }),
  );
}
