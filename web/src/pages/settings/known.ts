import type { AuthType } from "#/api/schema";

/** A provider of agents that hostel knows out of the box. */
interface Known {
  title: string;
  auth: readonly AuthType[];
  /** The file, below the home, that `auth_json_b64` stands for. */
  file?: string;
}

export const KNOWN: Readonly<Record<string, Known>> = {
  claude: {
    title: "Claude Code",
    auth: ["api_key", "setup_token", "auth_json_b64"],
    file: "~/.claude/.credentials.json",
  },
  codex: { title: "Codex", auth: ["api_key", "auth_json_b64"], file: "~/.codex/auth.json" },
  gemini: { title: "Gemini CLI", auth: ["api_key", "auth_json_b64"], file: "~/.gemini/oauth_creds.json" },
  opencode: { title: "OpenCode", auth: ["api_key", "auth_json_b64"], file: "~/.local/share/opencode/auth.json" },
};

const ALL: readonly AuthType[] = ["api_key", "setup_token", "auth_json_b64"];

/** The kinds of credential that a provider takes. */
export function kindsOf(provider: string): readonly AuthType[] {
  return KNOWN[provider]?.auth ?? ALL;
}

/** What people call it. */
export function titleOf(provider: string): string {
  return KNOWN[provider]?.title ?? provider;
}

/** What a kind of credential is called, in the middle of a sentence. */
export const KINDS: Readonly<Record<AuthType, string>> = {
  api_key: "API key",
  setup_token: "setup token",
  auth_json_b64: "sign-in file",
};
