// What a person has set: kept by the server, so that it is the same in every browser.
import { useQueryClient } from "@tanstack/react-query";
import { anyMembers, type Schemas } from "./client";
import { $api } from "./queries";
import type { FiltersOf } from "../navigation";

export interface SavedView<Search> {
  name: string;
  search: Search;
}

/** Something that was opened from the search. */
export interface Recent extends Pick<
  Schemas["Hit"],
  "ref" | "name" | "detail" | "customerId" | "subscriberName" | "matched"
> {
  kind: Schemas["HitGroup"]["kind"];
}

export interface Preferences {
  recent?: Recent[];
  deviceViews?: SavedView<FiltersOf<"/devices">>[];
  loggerViews?: SavedView<FiltersOf<"/logger">>[];
  deviceColumns?: string[];
  /** What was chosen in the first steps. */
  firstSteps?: { customerId?: string; stationId?: string; deviceRef?: string };
}

export function usePreferences(): [Preferences, (change: (before: Preferences) => Partial<Preferences>) => void] {
  const queries = useQueryClient();
  const options = $api.queryOptions("get", "/api/v1/preferences");
  const { data } = $api.useQuery("get", "/api/v1/preferences", undefined, { staleTime: 60_000 });
  const put = $api.useMutation("put", "/api/v1/preferences", { scope: { id: "preferences" } });
  const current = data ?? {};
  return [
    current,
    (change) => {
      // From what was set last, which may be newer than what is drawn.
      const before = queries.getQueryData(options.queryKey) ?? {};
      const next = { ...before, ...change(before) };
      queries.setQueryData(options.queryKey, next);
      put.mutate({ body: anyMembers(next) });
    },
  ];
}
