// The answers of the server that pages keep, and share. Apart from the client, for the sign-in form keeps none.
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import createQueryClient from "openapi-react-query";
import type { ReactNode } from "react";
import { api, ApiError, kept, Unreachable } from "./client";

export const $api = createQueryClient(api);

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // What the server refuses it refuses again; what did not reach it is tried when it is back.
      retry: (count, error) => !(error instanceof ApiError) && !(error instanceof Unreachable) && count < 2,
      staleTime: 5000,
      refetchOnWindowFocus: true,
      networkMode: "always",
      // Bounds what an open page holds.
      gcTime: 120_000,
    },
    mutations: { retry: false, networkMode: "always" },
  },
});

/** Has a client's answers forgotten, or asked for again, where the session says so. */
export function keepIn(client: QueryClient): void {
  kept.forget = () => client.clear();
  kept.refresh = () => void client.invalidateQueries();
}

keepIn(queries);

/** Around pages that ask the server by queries. */
export function Queries({ children }: { children: ReactNode }) {
  return <QueryClientProvider client={queries}>{children}</QueryClientProvider>;
}
