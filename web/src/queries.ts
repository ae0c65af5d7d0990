import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "#/api/problem";

const RETRIES = 3;

/** What passes by itself is tried again; what a person has to see is shown at once. */
function again(failures: number, error: Error): boolean {
  return failures < RETRIES && error instanceof ApiError && error.passing;
}

export const queries = new QueryClient({
  defaultOptions: {
    queries: { staleTime: 15_000, retry: again, networkMode: "always" },
    mutations: { retry: false, networkMode: "always" },
  },
});
