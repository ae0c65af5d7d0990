import { useQuery } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useMemo } from "react";
import { type Api, answer } from "#/api/client";
import { useMe } from "#/api/identity";
import type { NamedView } from "#/api/schema";
import { batched } from "./batch";

/** Whose records the ids stand in: what they are called is told to those who read them. */
export type Place =
  | { kind: "workspace"; workspaceId: string }
  | { kind: "organisation"; organisationId: string }
  | { kind: "host" };

interface Names {
  queryKey: readonly unknown[];
  find: (id: string) => Promise<NamedView | null>;
}

const FRESH = 60_000;
/** People, keys, workspaces and organisations have names; an operator's is in the id. */
const NAMED = /^(?:(?:u|ky|w|o)[0-9a-f]{24}|admin:.+)$/;

const Context = createContext<Names | null>(null);

interface Props {
  place: Place;
  api: Api;
  /** Names are kept under it. The same one as long as the place is. */
  queryKey: readonly unknown[];
  children: ReactNode;
}

/** Tells what is below what ids are called. `place` has to stay the same one. */
export function NamesProvider({ place, api, queryKey, children }: Props) {
  const names = useMemo(() => ({ queryKey, find: batched((ids) => asked(api, place, ids.join())) }), [place, api, queryKey]);
  return <Context value={names}>{children}</Context>;
}

async function asked(api: Api, place: Place, ids: string): Promise<readonly NamedView[]> {
  const query = { ids };
  switch (place.kind) {
    case "workspace":
      return (await answer(api.GET("/api/workspaces/{workspaceId}/names", { params: { path: place, query } }))).items;
    case "organisation":
      return (await answer(api.GET("/api/orgs/{organisationId}/names", { params: { path: place, query } }))).items;
    case "host":
      return (await answer(api.GET("/api/names", { params: { query } }))).items;
  }
}

/** What an id stands for; null while that is not known, and where it is not told. */
export function useNamed(id: string): NamedView | null {
  const names = useContext(Context);
  const query = useQuery({
    queryKey: [...(names?.queryKey ?? []), "names", id],
    queryFn: () => names?.find(id) ?? null,
    enabled: names !== null && NAMED.test(id),
    staleTime: FRESH,
    retry: false,
  });
  return query.data ?? null;
}

/** How an id is called in a line. */
interface Called {
  /** What kind of thing it is; "" for people. No name can stand in for it. */
  kind: string;
  text: string;
  note: "you" | "left" | null;
}

const KINDS: Readonly<Record<string, string>> = { u: "", ky: "key", w: "workspace", o: "organisation" };

/** What to call an id: its name, or else as much of it as tells it from others. */
export function useCalled(id: string): Called {
  const { data: me } = useMe();
  const named = useNamed(id);
  const [role, operator] = id.split(":");
  const left = named?.former ? "left" : null;
  if (role === "admin") return operator ? { kind: "operator", text: operator, note: left } : plain("administrator");
  if (!NAMED.test(id)) return plain(id);
  const own = me?.personId === id;
  return {
    kind: KINDS[id.slice(0, -24)] ?? "",
    text: named?.name || (own && me.name) || `${id.slice(0, 8)}…`,
    note: own ? "you" : left,
  };
}

function plain(text: string): Called {
  return { kind: "", text, note: null };
}
