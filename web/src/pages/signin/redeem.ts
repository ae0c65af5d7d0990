import { answer } from "#/api/client";
import { adopt, door } from "#/api/identity";

/** Redeem a one-time token. Answers null when the browser is signed in by it, or the key that it has handed over. */
export async function redeem(token: string): Promise<{ key: string; workspaceId: string } | null> {
  const redeemed = await answer(door.POST("/api/auth/redeem", { body: { token } }));
  if (redeemed.key) return { key: redeemed.key, workspaceId: redeemed.workspaceId ?? "" };
  if (redeemed.accessToken) await adopt(redeemed.accessToken);
  return null;
}

/** Sign the browser in as a workspace. Throws an ApiError. */
export async function signInToWorkspace(workspaceId: string, workspaceSecret: string): Promise<void> {
  const { workspaceToken } = await answer(door.POST("/api/workspaces/login", { body: { workspaceId, workspaceSecret } }));
  await adopt(workspaceToken);
}
