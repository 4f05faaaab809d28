// Search over everything that one may see. Operators search all their subscribers, whoever they work for.
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { reach, refusalOf, type Schemas } from "../../api/client";

export type Group = Schemas["HitGroup"];
export type Hit = Schemas["Hit"];

async function ask(text: string, signal: AbortSignal): Promise<Schemas["Hits"]> {
  // Without the header that names a subscriber.
  const response = await reach(`/api/v1/search?${new URLSearchParams({ q: text }).toString()}`, { signal });
  if (!response.ok) throw await refusalOf(response);
  return (await response.json()) as Schemas["Hits"];
}

export const searchOptions = (text: string) =>
  queryOptions({
    queryKey: ["get", "/api/v1/search", text],
    queryFn: ({ signal }) => ask(text, signal),
    placeholderData: keepPreviousData,
    staleTime: 10_000,
    enabled: text.length > 1,
  });
