import { queryOptions, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { answer, everything } from "#/api/client";
import { api, may } from "#/api/identity";
import type { Me, WorkspaceView } from "#/api/schema";
import { WORKSPACES } from "#/live/rows";
import { organisationsQuery } from "#/pages/organisations/data";

const PAGE = 100;

/** Every workspace that the person reaches, newest first. */
export const workspacesQuery = queryOptions({
  queryKey: WORKSPACES,
  queryFn: () =>
    everything((cursor) =>
      answer(api.GET("/api/workspaces", { params: { query: { limit: PAGE, ...(cursor && { cursor }) } } })),
    ),
});

/** An organisation, as far as it is shown beside what it owns. */
export interface Owner {
  organisationId: string;
  name: string;
}

const NOBODY: readonly Owner[] = [];

/** The organisations that `me` reaches; a person's are known already, an administrator's are asked for. */
export function useOrganisations(me: Me): readonly Owner[] {
  const asks = me.role !== "person" && may(me, "organisations:read");
  const { data } = useQuery({ ...organisationsQuery, enabled: asks });
  return asks ? (data ?? NOBODY) : me.organisations;
}

/** The names of the organisations that own workspaces, by id. */
export function useOwnerNames(me: Me): ReadonlyMap<string, string> {
  const organisations = useOrganisations(me);
  return useMemo(() => new Map(organisations.map(({ organisationId, name }) => [organisationId, name])), [organisations]);
}

/** Where `me` may make a workspace: organisations, and null for one that no organisation owns. */
export function useHomes(me: Me): readonly (Owner | null)[] {
  const organisations = useOrganisations(me);
  if (me.role === "person") return me.organisations.filter(({ rank }) => rank === "admin" || rank === "owner");
  return may(me, "workspaces:create") ? [null, ...organisations] : NOBODY;
}

/** Restore a workspace that was deleted and is kept. */
export function restore(workspaceId: string): Promise<WorkspaceView> {
  return answer(api.POST("/api/workspaces/{workspaceId}/restore", { params: { path: { workspaceId } } }));
}
