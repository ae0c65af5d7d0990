import createClient, { type Middleware } from "openapi-fetch";
import { forPerson, problemOf, unreachable } from "./problem";
import type { paths } from "./schema";

/** The API, typed by its own document. A call resolves with `data`, or throws an ApiError. */
export type Api = ReturnType<typeof createClient<paths>>;

type Ended = () => void;

/**
 * A client that sends the token that `bearer` answers, or, when it answers null, the browser's session cookie.
 * `ended` hears when the server does not know the credential any more; null where a 401 is about what was typed.
 */
export function createApi(bearer: () => string | null, ended: Ended | null): Api {
  const api = createClient<paths>({ baseUrl: location.origin, fetch: (request) => fetch(request) });
  const guard: Middleware = {
    onRequest({ request }) {
      const token = bearer();
      if (token !== null) request.headers.set("Authorization", `Bearer ${token}`);
    },
    async onResponse({ response }) {
      if (response.ok || response.status === 304) return;
      const problem = await problemOf(response);
      if (ended === null) throw problem;
      if (problem.status === 401) ended();
      throw forPerson(problem);
    },
    onError() {
      return unreachable();
    },
  };
  api.use(guard);
  return api;
}

/** What a call answered. */
export async function answer<T>(call: Promise<{ data?: T }>): Promise<T> {
  const { data } = await call;
  // Without a body the type of `data` is undefined, and with an error the call has thrown.
  return data as T;
}

/** A fresh `Idempotency-Key`. crypto.randomUUID is missing where a page comes neither over HTTPS nor from loopback. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/** The most items that a list in a page holds; beyond that a person searches, and does not scroll. */
export const LIST_MAX = 5000;

/** All items of a paginated list, in order, up to LIST_MAX. */
export async function everything<T>(page: (cursor: string | undefined) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const found = await page(cursor);
    items.push(...found.items);
    cursor = found.nextCursor ?? undefined;
  } while (cursor !== undefined && items.length < LIST_MAX);
  return items;
}
