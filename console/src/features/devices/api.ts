// Devices: what is read of them, and what is changed.
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { api, type Schemas } from "../../api/client";
import { $api } from "../../api/queries";
import { useChange, type Readable } from "../../api/changes";
import type { operations } from "../../api/schema";
import type { DeviceFilters } from "./model";
import type { Language } from "../../text";

/** Lists and counts in which a device is. */
export const listsOfDevices = [
  "/api/v1/devices",
  "/api/v1/devices/map",
  "/api/v1/devices/map/locations",
  "/api/v1/overview",
  "/data/lora/thingpark/connectivityPlans",
  "/api/v1/operator/overview",
  "/api/v1/operator/subscribers",
] as const satisfies Readable[];

/** What is shown of one device. */
export const oneDevice = [
  "/data/lora/thingpark/devices/{deviceRef}",
  "/api/v1/devices/{deviceRef}/explanation",
  "/api/v1/devices/{deviceRef}/session",
] as const satisfies Readable[];

function path(deviceRef: string) {
  return { params: { path: { deviceRef } } };
}

type ListQuery = NonNullable<operations["searchDevices"]["parameters"]["query"]>;

export function useDevices(query: ListQuery) {
  return $api.useQuery(
    "get",
    "/api/v1/devices",
    { params: { query } },
    { placeholderData: keepPreviousData, refetchInterval: 15_000 },
  );
}

/** All tags that devices have. */
export function useTags() {
  return $api.useQuery("get", "/api/v1/devices/tags", undefined, { staleTime: 60_000 }).data ?? [];
}

export function useDevice(ref: string, enabled = true) {
  return $api.useQuery("get", "/data/lora/thingpark/devices/{deviceRef}", path(ref), {
    refetchInterval: 10_000,
    enabled,
  });
}

export function useExplanation(deviceRef: string, language: Language, refetchInterval = 15_000) {
  return $api.useQuery(
    "get",
    "/api/v1/devices/{deviceRef}/explanation",
    { params: { path: { deviceRef }, query: { language } } },
    { refetchInterval },
  );
}

export function useSessionOf(ref: string) {
  return $api.useQuery("get", "/api/v1/devices/{deviceRef}/session", path(ref), { refetchInterval: 10_000 });
}

export function useAlarmHistory(ref: string) {
  return $api.useQuery("get", "/api/v1/devices/{deviceRef}/alarmHistory", path(ref));
}

/** What happened to a device, a page at a time. */
export function useTimeline(ref: string, kinds: string) {
  return useInfiniteQuery({
    queryKey: ["get", "/api/v1/devices/{deviceRef}/timeline", ref, kinds],
    queryFn: async ({ pageParam, signal }) => {
      const query = { kinds: kinds || undefined, before: pageParam ?? undefined, limit: 30 };
      const { data } = await api.GET("/api/v1/devices/{deviceRef}/timeline", {
        params: { path: { deviceRef: ref }, query },
        signal,
      });
      return data ?? { events: [], next: null };
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    refetchInterval: 15_000,
    placeholderData: keepPreviousData,
  });
}

/** Changes a device unless somebody else has since it was read with `etag`. */
export function useChangeDevice(ref: string) {
  return useChange(
    ({ body, etag }: { body: Schemas["Device"]; etag: string }) =>
      api.PUT("/data/lora/thingpark/devices/{deviceRef}", { ...path(ref), body, headers: { "if-match": etag } }),
    [...listsOfDevices, ...oneDevice],
  );
}

/** The device with its tags. */
export function useTagsOf(ref: string) {
  return $api.useQuery("get", "/api/v1/devices/{deviceRef}", path(ref));
}

export function useChangeTags(ref: string) {
  return useChange(
    (tags: string[]) => api.PUT("/api/v1/devices/{deviceRef}", { ...path(ref), body: { tags } }),
    [...listsOfDevices, ...oneDevice, "/api/v1/devices/{deviceRef}", "/api/v1/devices/tags"],
  );
}

export function useDeleteDevice(ref: string) {
  return useChange(
    () => api.DELETE("/data/lora/thingpark/devices/{deviceRef}", path(ref)),
    [...listsOfDevices, "/api/v1/alarms", "/api/v1/frames", "/api/v1/undelivered"],
  );
}

/** Devices by their refs, or all that filters find. */
export type Target = { refs: string[] } | { filters: DeviceFilters; total: number; more: boolean };
type BulkChange = Pick<Schemas["BulkChange"], "action" | "change"> & Partial<Schemas["BulkChange"]>;

/** Changes devices; what filters find, a batch with each request, and `onProgress` is told how many are done. */
export function useChangeDevices(onProgress?: (done: number) => void) {
  return useChange(
    async ({ target, ...given }: BulkChange & { target: Target }): Promise<Schemas["BulkResult"]> => {
      const change = { addTags: [], removeTags: [], ...given };
      const all: Schemas["BulkResult"] = { done: 0, failures: [] };
      if ("refs" in target) {
        const { data } = await api.POST("/api/v1/devices/bulk", { body: { ...change, refs: target.refs } });
        return data ?? all;
      }
      const params = { query: target.filters };
      for (let at: { after?: string; until?: string } = {}; ;) {
        const { data } = await api.POST("/api/v1/devices/bulk/matching", { params, body: { ...change, ...at } });
        if (!data) return all;
        all.done += data.done;
        all.failures.push(...data.failures);
        onProgress?.(all.done + all.failures.length);
        if (data.finished) return all;
        at = { after: data.after, until: data.until };
      }
    },
    [...listsOfDevices, ...oneDevice, "/api/v1/devices/tags", "/api/v1/alarms", "/api/v1/undelivered"],
  );
}

export function useResetSecurityContext(ref: string) {
  return useChange(
    () => api.POST("/api/v1/devices/{deviceRef}/securityContext/reset", path(ref)),
    [...oneDevice, "/api/v1/downlinks", "/api/v1/frames", "/api/v1/alarms"],
  );
}

/** Where the network has located a device: the last hundred places. */
export function useLocations(ref: string) {
  return $api.useQuery(
    "get",
    "/api/v1/devices/{deviceRef}/locations",
    { params: { ...path(ref).params, query: { limit: 100 } } },
    { refetchInterval: 30_000 },
  );
}

export function useMoveDevice(ref: string) {
  return useChange(
    (body: Schemas["Location"]) => api.PUT("/api/v1/devices/{deviceRef}/location", { ...path(ref), body }),
    ["/api/v1/devices", "/api/v1/devices/map", "/api/v1/devices/map/locations", ...oneDevice],
  );
}

export function useChangeThresholds(ref: string) {
  return useChange(
    (body: Schemas["Thresholds"]) => api.PUT("/api/v1/devices/{deviceRef}/alarmThresholds", { ...path(ref), body }),
    [...oneDevice, "/api/v1/alarms", "/api/v1/devices"],
  );
}
