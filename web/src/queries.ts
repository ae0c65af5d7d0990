import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { ApiError } from "#/api/problem";
import { onForgotten } from "#/api/work";

const RETRIES = 3;

/** What passes by itself is tried again; what a person has to see is shown at once. */
function again(failures: number, error: Error): boolean {
  return failures < RETRIES && error instanceof ApiError && error.passing;
}

/** Rights were taken under an open page: it asks anew what may be done in its workspace, and shows that. */
function onError(error: Error): void {
  if (!(error instanceof ApiError) || error.status !== 403) return;
  void queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === "w" && queryKey[2] === "access" });
}

export const queries = new QueryClient({
  queryCache: new QueryCache({ onError }),
  mutationCache: new MutationCache({ onError }),
  defaultOptions: {
    queries: { staleTime: 15_000, retry: again, networkMode: "always" },
    mutations: { retry: false, networkMode: "always" },
  },
});

// Whoever has signed out, be it in another tab, leaves nothing on the screen: asked anew, the server knows nobody.
onForgotten(() => void queries.resetQueries());
