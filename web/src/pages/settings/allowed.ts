import type { Api } from "#/api/client";
import { api as main, may, useMe } from "#/api/identity";
import type { Scope } from "#/api/schema";
import { useRoom } from "#/room/room";

/**
 * The client that may do `scope` to the workspace: the room's, or the browser's own sign-in, for an administrator who has
 * opened the room with its secret stays one. Null: neither may.
 */
export function useAllowed(scope: Scope): Api | null {
  const room = useRoom();
  const { data: me } = useMe();
  if (room.may(scope)) return room.api;
  return me?.role === "admin" && may(me, scope) ? main : null;
}
