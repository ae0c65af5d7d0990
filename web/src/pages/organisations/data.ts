import { queryOptions } from "@tanstack/react-query";
import { answer, everything } from "#/api/client";
import { api } from "#/api/identity";
import type { Me, OrganisationView, Rank } from "#/api/schema";

/** The key of the list of organisations. */
export const ORGANISATIONS = ["orgs"] as const;

/** The keys of all queries about an organisation begin so. */
export function organisationKey(organisationId: string, ...rest: readonly unknown[]): readonly unknown[] {
  return ["org", organisationId, ...rest];
}

/** The organisations that the person sees. */
export const organisationsQuery = queryOptions({
  queryKey: ORGANISATIONS,
  queryFn: () =>
    everything((cursor) => answer(api.GET("/api/orgs", { params: { query: { limit: 100, ...(cursor && { cursor }) } } }))),
});

/** An organisation, and the tag that says whether it is still as it was seen. */
export interface SeenOrganisation {
  view: OrganisationView;
  etag: string | null;
}

/** One organisation. */
export function organisationQuery(organisationId: string) {
  return queryOptions({
    queryKey: organisationKey(organisationId),
    queryFn: async (): Promise<SeenOrganisation> => {
      const { data, response } = await api.GET("/api/orgs/{organisationId}", { params: { path: { organisationId } } });
      if (data === undefined) throw new Error("The server answered without the organisation.");
      return { view: data, etag: response.headers.get("ETag") };
    },
  });
}

/** The workspaces that an organisation owns. */
export function ownedQuery(organisationId: string) {
  return queryOptions({
    queryKey: organisationKey(organisationId, "workspaces"),
    queryFn: () =>
      everything((cursor) =>
        answer(api.GET("/api/workspaces", { params: { query: { organisationId, limit: 100, ...(cursor && { cursor }) } } })),
      ),
  });
}

/** The ranks, the smallest first, and what each lets a member do. */
export const RANKS: readonly { rank: Rank; text: string }[] = [
  { rank: "viewer", text: "Reads all that is in the workspaces" },
  { rank: "member", text: "Also works in the workspaces" },
  { rank: "admin", text: "Also manages workspaces, members, keys and webhooks" },
  { rank: "owner", text: "Also deletes the organisation and transfers workspaces" },
];

/** What somebody is in an organisation. The host's administrators stand above its members. */
export interface Standing {
  personId: string | null;
  manages: boolean;
  owns: boolean;
}

/** What `me` is in the organisation. */
export function standing(me: Me, { rank }: OrganisationView): Standing {
  const owns = rank === "owner" || me.role === "admin";
  return { personId: me.personId, owns, manages: owns || rank === "admin" };
}

/** The ranks that somebody may give, and may take from others: nobody reaches above their own. */
export function ranksBelow({ manages, owns }: Standing): Rank[] {
  if (!manages) return [];
  return RANKS.map(({ rank }) => rank).filter((rank) => owns || rank !== "owner");
}

/** What each part of an organisation's page gets. */
export interface SectionProps {
  seen: SeenOrganisation;
  standing: Standing;
}
