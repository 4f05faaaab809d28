// Changes, and which of the server's answers they make old.
import { useMutation, useQueryClient, type QueryClient } from "@tanstack/react-query";
import type { paths } from "./schema";

/** What the console reads; the second part of a query's key. */
export type Readable = { [Path in keyof paths]: paths[Path] extends { get: object } ? Path : never }[keyof paths];

export function refresh(queries: QueryClient, touched: readonly Readable[]): void {
  const paths: ReadonlySet<unknown> = new Set(touched);
  void queries.invalidateQueries({ predicate: ({ queryKey }) => paths.has(queryKey[1]) });
}

/** A change of something on the server. Answers that it touches are fetched again, also after a failure: what the
 * server did not answer, it may have done. */
export function useChange<Input, Answer>(change: (input: Input) => Promise<Answer>, touched: readonly Readable[]) {
  const queries = useQueryClient();
  return useMutation({ mutationFn: change, onSettled: () => refresh(queries, touched) });
}
