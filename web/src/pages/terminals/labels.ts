import type { TerminalView } from "#/api/schema";

/** The name of a terminal's program. */
export function programOf({ command }: TerminalView): string {
  // Agents are started by a shell, which is replaced by what its last argument names.
  const name = command[1] === "-lc" ? command.at(-1) : command[0];
  return name?.split("/").at(-1) ?? "terminal";
}

/** How a terminal that has ended has done so; "" while it runs. */
export function endOf({ status, exitCode, exitSignal }: TerminalView): string {
  if (status === "running") return "";
  return exitSignal === null ? `Exited with status ${exitCode ?? 0}` : `Ended by ${exitSignal}`;
}

/** The program of an agent in a login shell, which knows where agents are. */
export function commandOf(agent: string): string[] {
  return ["/bin/bash", "-lc", 'exec "$0"', agent];
}
