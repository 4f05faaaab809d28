// Counts that several screens show.
import { $api } from "./queries";

export function useOverview() {
  return $api.useQuery("get", "/api/v1/overview", undefined, { refetchInterval: 10_000 });
}
