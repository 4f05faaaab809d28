// Alarms: lists and acknowledgement.
import { keepPreviousData } from "@tanstack/react-query";
import { $api, api } from "../../api/client";
import { useChange } from "../../api/changes";
import type { operations } from "../../api/schema";

export type AlarmQuery = NonNullable<operations["listAlarms"]["parameters"]["query"]>;

export function useAlarms(query: AlarmQuery) {
  return $api.useQuery(
    "get",
    "/api/v1/alarms",
    { params: { query } },
    { placeholderData: keepPreviousData, refetchInterval: 10_000 },
  );
}

export function useAcknowledge() {
  return useChange(
    (refs: string[]) => api.POST("/api/v1/alarms/acks", { body: { refs } }),
    ["/api/v1/alarms", "/api/v1/overview", "/api/v1/devices", "/data/lora/thingpark/devices/{deviceRef}"],
  );
}
