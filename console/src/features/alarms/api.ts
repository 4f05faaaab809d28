// Alarms: lists and acknowledgement.
import { keepPreviousData } from "@tanstack/react-query";
import { api } from "../../api/client";
import { $api } from "../../api/queries";
import { useChange, type Readable } from "../../api/changes";
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

const handled = ["/api/v1/alarms", "/api/v1/alarms/{alarmRef}"] as const satisfies Readable[];

const path = (alarmRef: string) => ({ params: { path: { alarmRef } } });

export function useAlarm(ref: string) {
  return $api.useQuery("get", "/api/v1/alarms/{alarmRef}", path(ref), { refetchInterval: 15_000 });
}

export function useAssignees() {
  return $api.useQuery("get", "/api/v1/alarms/assignees", undefined, { staleTime: 60_000 });
}

export function useAssign(ref: string) {
  return useChange(
    (userRef: string | null) => api.PUT("/api/v1/alarms/{alarmRef}/assignee", { ...path(ref), body: { userRef } }),
    handled,
  );
}

export function useMute(ref: string) {
  return useChange(
    (until: string | null) => api.PUT("/api/v1/alarms/{alarmRef}/mute", { ...path(ref), body: { until } }),
    handled,
  );
}

export function useComment(ref: string) {
  return useChange(
    (text: string) => api.POST("/api/v1/alarms/{alarmRef}/comments", { ...path(ref), body: { text } }),
    handled,
  );
}
