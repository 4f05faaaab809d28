// Counts that several screens show.
import { $api } from "./client";

export function useOverview() {
  return $api.useQuery("get", "/api/v1/overview", undefined, { refetchInterval: 10_000 });
}
