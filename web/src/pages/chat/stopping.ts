import { useMutation } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { answer } from "#/api/client";
import { useRoom } from "#/room/room";
import { complain } from "#/ui/notify";

/** Milliseconds in which Escape, pressed again, is meant. */
const TWICE = 700;

/** Stops a turn: by what it answers, by Ctrl and a full stop, and by Escape, twice. It is null while there is nothing to stop. */
export function useStopping(sessionId: string, turnId: string | null): (() => void) | null {
  const { api, workspaceId } = useRoom();
  const { mutate, variables, isError } = useMutation({
    mutationFn: (running: string) =>
      answer(
        api.POST("/api/workspaces/{workspaceId}/sessions/{sessionId}/turns/{turnId}/cancel", {
          params: { path: { workspaceId, sessionId, turnId: running } },
        }),
      ),
    onError: (error) => complain(error, "The turn was not stopped"),
  });
  const stopped = variables === turnId && !isError;
  const stop = useMemo(() => (turnId === null || stopped ? null : () => mutate(turnId)), [turnId, stopped, mutate]);

  useEffect(() => {
    if (stop === null) return;
    let before = Number.NEGATIVE_INFINITY;
    const pressed = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.repeat || isAbove(event.target)) return;
      if (event.key === "." && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        stop();
      } else if (event.key === "Escape") {
        if (event.timeStamp - before < TWICE) stop();
        before = event.timeStamp;
      }
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [stop]);
  return stop;
}

/** Whether it is of a dialog or a list that lies over the page, which Escape closes. */
function isAbove(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("[role=dialog], [aria-expanded=true]") !== null;
}
