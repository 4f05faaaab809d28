// The areas that devices are watched for.
import { api, type Schemas } from "../../api/client";
import { $api } from "../../api/queries";
import { useChange, type Readable } from "../../api/changes";

export type Area = Schemas["GeofenceView"];

const touched = ["/api/v1/geofences", "/api/v1/geofences/{geofenceRef}"] as const satisfies Readable[];

const path = (ref: string) => ({ params: { path: { geofenceRef: ref } } });

export function useAreas() {
  return $api.useQuery("get", "/api/v1/geofences");
}

export function useDeviceTags() {
  return $api.useQuery("get", "/api/v1/devices/tags", undefined, { staleTime: 60_000 }).data ?? [];
}

/** Changes an area, or creates one. */
export function useSaveArea(ref: string | undefined) {
  return useChange(
    (body: Schemas["GeofenceBody"]) =>
      ref === undefined
        ? api.POST("/api/v1/geofences", { body })
        : api.PUT("/api/v1/geofences/{geofenceRef}", { ...path(ref), body }),
    touched,
  );
}

export function useDeleteArea(ref: string) {
  return useChange(() => api.DELETE("/api/v1/geofences/{geofenceRef}", path(ref)), touched);
}
