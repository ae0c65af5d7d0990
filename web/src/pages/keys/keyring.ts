import { type Api, answer } from "#/api/client";
import type { KeyChange, KeyKind, KeyPage, KeyView, NewKeyView, NewOrganisationKey } from "#/api/schema";

/** A key as it was seen, and the tag that says whether it is still so. */
export interface SeenKey {
  view: KeyView;
  etag: string | null;
}

/** The keys of a workspace, of an organisation or of the host: the same calls under three addresses. */
export interface Keyring {
  kind: KeyKind;
  /** Of the query that lists them. */
  queryKey: readonly unknown[];
  list: (cursor: string | undefined) => Promise<KeyPage>;
  show: (keyId: string) => Promise<SeenKey>;
  /** `once` is the Idempotency-Key. `workspaces` is for organisations alone. */
  create: (body: NewOrganisationKey, once: string) => Promise<NewKeyView>;
  change: (keyId: string, body: KeyChange, etag: string | null) => Promise<KeyView>;
  revoke: (keyId: string) => Promise<unknown>;
  /** `overlap`: seconds for which the old one is good too. */
  rotate: (keyId: string, overlap: number, once: string) => Promise<NewKeyView>;
}

const LISTS = {
  workspace: "/api/workspaces/{workspaceId}/keys",
  organisation: "/api/orgs/{organisationId}/keys",
  admin: "/api/keys",
} as const;
const LIMIT = 100;

/** What stands in the paths. Those of one place need only its own, and ignore the other. */
interface Place {
  workspaceId: string;
  organisationId: string;
}

/** The keys of a workspace. */
export function workspaceKeys(api: Api, workspaceId: string, queryKey: readonly unknown[]): Keyring {
  return keyring(api, "workspace", { workspaceId, organisationId: "" }, queryKey);
}

/** The keys of an organisation. */
export function organisationKeys(api: Api, organisationId: string, queryKey: readonly unknown[]): Keyring {
  return keyring(api, "organisation", { workspaceId: "", organisationId }, queryKey);
}

/** The keys of the host: each is an administrator. */
export function hostKeys(api: Api): Keyring {
  return keyring(api, "admin", { workspaceId: "", organisationId: "" }, ["keys"]);
}

function keyring(api: Api, kind: KeyKind, place: Place, queryKey: readonly unknown[]): Keyring {
  const all = LISTS[kind];
  const one = `${all}/{keyId}` as const;
  const at = (keyId: string) => ({ ...place, keyId });
  return {
    kind,
    queryKey,
    list: (cursor) =>
      answer(api.GET(all, { params: { path: place, query: { limit: LIMIT, ...(cursor !== undefined && { cursor }) } } })),
    show: async (keyId) => {
      const call = api.GET(one, { params: { path: at(keyId) } });
      return { view: await answer(call), etag: (await call).response.headers.get("ETag") };
    },
    create: ({ workspaces, ...body }, once) =>
      answer(
        api.POST(all, {
          params: { path: place, header: { "Idempotency-Key": once } },
          body: kind === "organisation" ? { ...body, workspaces } : body,
        }),
      ),
    change: (keyId, body, etag) =>
      answer(api.PATCH(one, { params: { path: at(keyId), ...(etag !== null && { header: { "If-Match": etag } }) }, body })),
    revoke: (keyId) => answer(api.DELETE(one, { params: { path: at(keyId) } })),
    rotate: (keyId, overlap, once) =>
      answer(
        api.POST(`${one}/rotate`, { params: { path: at(keyId), header: { "Idempotency-Key": once } }, body: { overlap } }),
      ),
  };
}
