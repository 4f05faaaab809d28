// Messages that no application server accepted.
import { api } from "../../api/client";
import { $api } from "../../api/queries";
import { useChange } from "../../api/changes";

export function useUndelivered(from: string, pending: boolean) {
  return $api.useQuery(
    "get",
    "/api/v1/undelivered",
    { params: { query: { from, pending, limit: 1000 } } },
    { refetchInterval: 10_000 },
  );
}

export function useRedeliver() {
  return useChange(
    (body: { from: string; to: string }) => api.POST("/api/v1/undelivered/redeliveries", { body }),
    ["/api/v1/undelivered", "/api/v1/overview", "/api/v1/operator/undelivered"],
  );
}
