import { useQuery } from "@tanstack/react-query";
import { answer } from "#/api/client";
import { roomKey } from "./key";
import { useRoom } from "./room";

/** The agents of the host, as the workspace can use them. */
export function useAgents(wanted = true) {
  const { api, workspaceId, may } = useRoom();
  return useQuery({
    queryKey: roomKey(workspaceId, "agents"),
    enabled: wanted && may("agents:read"),
    queryFn: async () =>
      (await answer(api.GET("/api/workspaces/{workspaceId}/agents", { params: { path: { workspaceId } } }))).items,
  });
}
