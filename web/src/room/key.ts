/** The keys of all queries about a room begin so, and end with it. */
export function roomKey(workspaceId: string, ...rest: readonly unknown[]): readonly unknown[] {
  return ["w", workspaceId, ...rest];
}
