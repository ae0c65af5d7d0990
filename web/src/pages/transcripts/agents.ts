/** The agents whose transcripts are read, by the API's names. */
export const AGENTS: Readonly<Record<string, string>> = {
  claude: "Claude Code",
  codex: "Codex",
  gemini: "Gemini CLI",
  opencode: "OpenCode",
};

/** An agent's own name. */
export function agentTitle(agent: string): string {
  return AGENTS[agent] ?? agent;
}
