// Routing profiles.
import { api, type Schemas } from "../../api/client";
import { $api } from "../../api/queries";
import { useChange, type Readable } from "../../api/changes";

const touched = [
  "/data/lora/thingpark/routingProfiles",
  "/api/v1/overview",
  "/api/v1/devices",
  "/data/lora/thingpark/devices/{deviceRef}",
  "/api/v1/undelivered",
] as const satisfies Readable[];

function path(routingProfileRef: string) {
  return { params: { path: { routingProfileRef } } };
}

export function useRoutingProfiles() {
  return $api.useQuery("get", "/data/lora/thingpark/routingProfiles");
}

/** Creates a profile, or changes the one that `ref` names unless somebody else has since it was read with `etag`. */
export function useSaveProfile(ref: string | null) {
  return useChange(
    ({ body, etag }: { body: Schemas["RoutingProfile"]; etag: string }) =>
      ref === null
        ? api.POST("/data/lora/thingpark/routingProfiles", { body })
        : api.PUT("/data/lora/thingpark/routingProfiles/{routingProfileRef}", {
            ...path(ref),
            body,
            headers: { "if-match": etag },
          }),
    touched,
  );
}

export function useDeleteProfile(ref: string) {
  return useChange(() => api.DELETE("/data/lora/thingpark/routingProfiles/{routingProfileRef}", path(ref)), touched);
}

export function useTryProfile(ref: string) {
  return useChange(() => api.POST("/api/v1/routingProfiles/{routingProfileRef}/trial", path(ref)), []);
}

export function useGenerateAsKey(ref: string) {
  return useChange(
    (body: { hsmGroupId: string; rsaPublicKey: string }) =>
      api.PUT("/data/lora/thingpark/routingProfiles/{routingProfileRef}", { ...path(ref), body }),
    touched,
  );
}
