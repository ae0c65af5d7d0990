import { useMutation } from "@tanstack/react-query";
import { useCallback, useEffect, useState } from "react";
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

/** Milliseconds that a question is to be seen, with no key pressed, before it can be answered. */
export const GUARD = 600;

/** Whether a question has been there for long enough that an answer is one to it, and not what a person was about to do before. */
export function useGuard(permissionId: string | null): boolean {
  const [seen, setSeen] = useState<string | null>(null);
  const guarded = permissionId !== null && seen !== permissionId;
  useEffect(() => {
    if (!guarded) return;
    let timer = setTimeout(setSeen, GUARD, permissionId);
    const again = () => {
      clearTimeout(timer);
      timer = setTimeout(setSeen, GUARD, permissionId);
    };
    addEventListener("keydown", again, true);
    addEventListener("pointerdown", again, true);
    return () => {
      clearTimeout(timer);
      removeEventListener("keydown", again, true);
      removeEventListener("pointerdown", again, true);
    };
  }, [guarded, permissionId]);
  return permissionId !== null && !guarded;
}

/** Answers `asked` by keyboard: a, A and d where nothing is typed, and with Alt everywhere but in a dialog or a terminal. Null is no question. */
export function useAnswerKeys(asked: Asked | null, give: (asked: Asked, option: Answer) => void): void {
  useEffect(() => {
    if (asked === null) return;
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.repeat || event.isComposing || event.defaultPrevented) return;
      if (isElsewhere(event.target) || (!event.altKey && isTyping(event.target))) return;
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

const TYPED = "input, textarea, select, [contenteditable], [role=combobox], [role=listbox], [role=menu]";

/** Whether a letter goes into a text or a list. */
function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest(TYPED) !== null;
}

/** Whether a dialog lies over the page, or a key is a terminal's. */
function isElsewhere(target: EventTarget | null): boolean {
  if (document.querySelector("[role=dialog][aria-modal=true]") !== null) return true;
  return target instanceof Element && target.closest("[role=dialog], hostel-terminal") !== null;
}
