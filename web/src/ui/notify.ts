import { lazy } from "react";
import { messageOf } from "#/api/problem";

const load = () => import("./toasts");

/** Where notifications appear; it and what shows them are loaded beside the first page. */
export const Toasts = lazy(load);

/** Say quietly that something was done. */
export function say(message: string): void {
  void load().then(({ notifications }) => notifications.show({ message, color: "gray", autoClose: 4000 }));
}

/** Say that something that has no place of its own in the page has failed. */
export function complain(error: unknown, title = "That did not work"): void {
  const shown = { title, message: messageOf(error), color: "red", autoClose: 10_000 };
  void load().then(({ notifications }) => notifications.show(shown));
}
