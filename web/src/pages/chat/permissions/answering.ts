import { useMutation } from "@tanstack/react-query";
import { useCallback, useEffect } from "react";
import { answer } from "#/api/client";
import { ApiError } from "#/api/problem";
import type { OptionKind, OptionView } from "#/api/schema";
import { useRoom } from "#/room/room";
import { complain, say } from "#/ui/notify";
import type { Asked } from "../log/turn";

/** An answer: one of the agent's options, or null to deny without one. */
export type Answer = OptionView | null;

/** Sends answers. `busy` are the permissions whose answer is on its way. */
export function useAnswering(sessionId: string) {
  const { api, workspaceId } = useRoom();
  const { mutate, variables, isPending } = useMutation({
    mutationFn: ({ permissionId, option }: { permissionId: string; option: Answer }) =>
      answer(
        api.POST("/api/workspaces/{workspaceId}/sessions/{sessionId}/permissions/{permissionId}", {
          params: { path: { workspaceId, sessionId, permissionId } },
          body: option === null ? { outcome: "deny", optionId: null } : { optionId: option.id, outcome: null },
        }),
      ),
    onError: (error) => {
      if (error instanceof ApiError && error.status === 409) say("It has an answer already.");
      else complain(error, "The answer did not arrive");
    },
  });
  return {
    busy: isPending ? variables.permissionId : null,
    give: useCallback((asked: Asked, option: Answer) => mutate({ permissionId: asked.permissionId, option }), [mutate]),
  };
}

const ORDER: readonly OptionKind[] = ["allow_once", "allow_always", "reject_once", "reject_always"];

/** The answers that can be given, what is asked for most first. There is always a way to deny. */
export function answersOf({ options }: Asked): readonly Answer[] {
  const sorted = options.toSorted((one, other) => ORDER.indexOf(one.kind) - ORDER.indexOf(other.kind));
  return sorted.some((option) => option.kind.startsWith("reject")) ? sorted : [...sorted, null];
}

/** The key that gives an answer: the first of its kind. */
export function keyOf(asked: Asked, option: Answer): string | null {
  if (option === null) return "d";
  const first = asked.options.find((other) => other.kind === option.kind);
  if (first !== option) return null;
  if (option.kind === "allow_once") return "a";
  if (option.kind === "allow_always") return "A";
  return option.kind === "reject_once" || asked.options.every((other) => other.kind !== "reject_once") ? "d" : null;
}

/** Answers `asked` by keyboard: a, A and d where nothing is typed, and with Alt everywhere. Null is no question. */
export function useAnswerKeys(asked: Asked | null, give: (asked: Asked, option: Answer) => void): void {
  useEffect(() => {
    if (asked === null) return;
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.repeat || event.isComposing || event.defaultPrevented) return;
      if (!event.altKey && isTyping(event.target)) return;
      // With Alt a keyboard may make another letter of it.
      const letter = /^Key([AD])$/.exec(event.code)?.[1]?.toLowerCase() ?? event.key.toLowerCase();
      const key = letter === "a" && event.shiftKey ? "A" : letter;
      const option = answersOf(asked).find((answered) => keyOf(asked, answered) === key);
      if (option === undefined) return;
      event.preventDefault();
      give(asked, option);
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [asked, give]);
}

/** Whether a letter goes into a text, or into a dialog that lies over the page. */
function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest("input, textarea, select, [contenteditable=true], [role=dialog], [role=combobox], [role=listbox]") !== null
  );
}
