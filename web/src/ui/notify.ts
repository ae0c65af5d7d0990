import { messageOf } from "#/api/problem";
import { Store } from "#/api/store";

/** Something that is shown in the corner of the page for a while. */
export interface Toast {
  message: string;
  title?: string;
  color: string;
  autoClose: number;
}

/** What is to be shown. What shows it is loaded with the first. */
export const toasts = new Store<readonly Toast[]>([]);

/** Say quietly that something was done. */
export function say(message: string): void {
  show({ message, color: "gray", autoClose: 4000 });
}

/** Say that something that has no place of its own in the page has failed. */
export function complain(error: unknown, title = "That did not work"): void {
  show({ title, message: messageOf(error), color: "red", autoClose: 10_000 });
}

function show(toast: Toast): void {
  toasts.set([...toasts.get(), toast]);
}
