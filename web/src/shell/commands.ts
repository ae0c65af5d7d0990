import { useEffect } from "react";
import { Store } from "#/api/store";

/** Something that can be done from the command palette. */
export interface Command {
  id: string;
  label: string;
  /** Where it is listed. */
  group: string;
  /** Its shortcut, as shown. */
  keys?: string;
  run: () => void;
}

/** All commands, in the order in which their places were opened. */
export const commands = new Store<readonly Command[]>([]);

/** Offer commands while the calling component is shown. Pass an array that changes only when they do. */
export function useCommands(offered: readonly Command[]): void {
  useEffect(() => {
    commands.set([...commands.get(), ...offered]);
    return () => commands.set(commands.get().filter((command) => !offered.includes(command)));
  }, [offered]);
}
