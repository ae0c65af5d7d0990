import type { Api } from "#/api/client";
import type { AuditPageView, AuditRecordView } from "#/api/schema";
import type { Room } from "#/room/room";

/** What records are asked for; what is empty asks nothing. `since` and `until` as an input of type datetime-local has them. */
export interface Filters {
  action: string;
  outcome: string;
  actor: string;
  since: string;
  until: string;
}

export const NO_FILTERS: Filters = { action: "", outcome: "", actor: "", since: "", until: "" };

/** Where an audit log is read: that of a workspace, of an organisation, or of the host. */
export interface AuditSource {
  queryKey: readonly unknown[];
  page: (filters: Filters, cursor: string | undefined) => Promise<AuditPageView>;
  /** The path of the log, to follow it. */
  path: string;
  /** The token to send, or null for the session cookie. */
  bearer: () => string | null;
}

const LIMIT = 100;

const LOGS = {
  workspace: "/api/workspaces/{workspaceId}/audit",
  organisation: "/api/orgs/{organisationId}/audit",
  host: "/api/audit",
} as const;

/** The log of a workspace. */
export function workspaceAudit(room: Pick<Room, "api" | "workspaceId" | "bearer">, queryKey: readonly unknown[]): AuditSource {
  const { api, workspaceId, bearer } = room;
  return { queryKey, bearer, path: `/api/workspaces/${workspaceId}/audit`, page: reader(api, "workspace", workspaceId) };
}

/** The log of an organisation and of its workspaces. */
export function organisationAudit(api: Api, organisationId: string, queryKey: readonly unknown[]): AuditSource {
  const path = `/api/orgs/${organisationId}/audit`;
  return { queryKey, bearer: () => null, path, page: reader(api, "organisation", organisationId) };
}

/** The whole log, for administrators of the host. */
export function hostAudit(api: Api): AuditSource {
  return { queryKey: ["audit"], bearer: () => null, path: LOGS.host, page: reader(api, "host", "") };
}

/** Reads pages of a log. What a path does not name is ignored. */
function reader(api: Api, where: keyof typeof LOGS, id: string): AuditSource["page"] {
  const path = { workspaceId: id, organisationId: id };
  return async (filters, cursor) => pageOf(await api.GET(LOGS[where], { params: { path, query: queryOf(filters, cursor) } }));
}

/** The address at which the log is followed. The stream is of what comes, so the times say nothing there. */
export function followed(source: AuditSource, { action, outcome, actor }: Filters): string {
  const query = new URLSearchParams(Object.entries({ action, outcome, actor }).filter(([, value]) => value !== ""));
  return query.size > 0 ? `${source.path}?${query}` : source.path;
}

/** All of `known` and `more`, each once, the newest first. */
export function merged(known: readonly AuditRecordView[], more: readonly AuditRecordView[]): AuditRecordView[] {
  const records = new Map([...known, ...more].map((record) => [record.seq, record]));
  return [...records.values()].sort((a, b) => b.seq - a.seq);
}

function queryOf(filters: Filters, cursor: string | undefined) {
  const { action, outcome, actor, since, until } = filters;
  return {
    limit: LIMIT,
    ...(cursor !== undefined && { cursor }),
    ...(action && { action }),
    ...(outcome && { outcome }),
    ...(actor && { actor }),
    ...(since && { since: new Date(since).toISOString() }),
    ...(until && { until: new Date(until).toISOString() }),
  };
}

/** The route also answers a stream, which has no items. */
function pageOf({ data }: { data?: object }): AuditPageView {
  if (data !== undefined && isPage(data)) return data;
  throw new Error("The server answered without records.");
}

function isPage(value: object): value is AuditPageView {
  return "items" in value && Array.isArray(value.items) && "nextCursor" in value;
}
