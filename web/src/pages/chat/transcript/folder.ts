import type { Place } from "../log/turn";

/** How the path of the folder ends in which an agent works: what stands before it depends on the host. */
export function folderOf(workspaceId: string, sessionId: string, worktreeId: Place["worktreeId"]): string {
  const session = `/${workspaceId}/vibecoder_workspace/sessions/${sessionId}`;
  return worktreeId === null ? `${session}/repo` : `${session}/worktrees/${worktreeId}`;
}

/** A text whose paths in the folder, of which `folder` is the end, are told from there. */
export function within(folder: string, text: string): string {
  if (!text.includes(folder)) return text;
  // A path begins and ends where a shell, or a reader, would say that it does.
  const [begins, ends] = [String.raw`(^|[\s"'\`(=,])`, String.raw`$|[\s"'\`),:]`];
  const before = String.raw`${begins}/[^\s"'\`(=,]*?${folder}`;
  return text.replace(new RegExp(`${before}/*(?=${ends})`, "g"), "$1.").replace(new RegExp(`${before}/+`, "g"), "$1");
}
