// Multicast groups: what is read of them, and what is changed.
import { api, type Schemas } from "../../api/client";
import { $api } from "../../api/queries";
import { useChange, type Readable } from "../../api/changes";

export type MulticastGroup = Schemas["MulticastGroup"];
export type GroupFrame = Schemas["GroupFrame"];
export type Member = Schemas["Member"];
export type MemberSetUp = Schemas["MemberSetUp"];

const touched = [
  "/api/v1/multicastGroups",
  "/api/v1/multicastGroups/{groupRef}",
  "/api/v1/multicastGroups/{groupRef}/members",
  "/api/v1/multicastGroups/{groupRef}/baseStations",
  "/api/v1/multicastGroups/{groupRef}/downlinks",
  "/data/lora/thingpark/connectivityPlans",
] as const satisfies Readable[];

const path = (ref: string) => ({ params: { path: { groupRef: ref } } });

export function useGroups() {
  return $api.useQuery("get", "/api/v1/multicastGroups", { params: { query: { pageSize: 500 } } });
}

export function useGroup(ref: string) {
  return $api.useQuery("get", "/api/v1/multicastGroups/{groupRef}", path(ref));
}

export function useMembers(ref: string) {
  return $api.useQuery("get", "/api/v1/multicastGroups/{groupRef}/members", {
    params: { path: { groupRef: ref }, query: { pageSize: 200 } },
  });
}

export function useCoverage(ref: string) {
  return $api.useQuery("get", "/api/v1/multicastGroups/{groupRef}/baseStations", path(ref));
}

export function useGroupFrames(ref: string) {
  return $api.useQuery("get", "/api/v1/multicastGroups/{groupRef}/downlinks", path(ref), { refetchInterval: 5_000 });
}

export function useStationTags() {
  return $api.useQuery("get", "/api/v1/multicastGroups/tags", undefined, { staleTime: 60_000 }).data ?? [];
}

/** The plans that a group may have. */
export function useGroupPlans() {
  const plans = $api.useQuery("get", "/data/lora/thingpark/connectivityPlans").data;
  return plans?.filter((plan) => plan.communicationType === "MULTICAST");
}

export function useSaveGroup(ref: string | null) {
  return useChange(
    (body: MulticastGroup) =>
      ref === null
        ? api.POST("/api/v1/multicastGroups", { body })
        : api.PUT("/api/v1/multicastGroups/{groupRef}", { ...path(ref), body }),
    touched,
  );
}

export function useDeleteGroup(ref: string) {
  return useChange(() => api.DELETE("/api/v1/multicastGroups/{groupRef}", path(ref)), touched);
}

export function useAddMembers(ref: string) {
  return useChange(
    (deviceEUIs: string[]) =>
      api.POST("/api/v1/multicastGroups/{groupRef}/members", { ...path(ref), body: { deviceEUIs } }),
    touched,
  );
}

export function useRemoveMembers(ref: string) {
  return useChange(
    (deviceEUIs: string[]) =>
      api.POST("/api/v1/multicastGroups/{groupRef}/members/remove", { ...path(ref), body: { deviceEUIs } }),
    touched,
  );
}

/** The message that gives a member the key of the group, by the number that the device is to know it by. Asked for
 * once, not kept: the audit log has an entry for each, and the counter in it goes on. */
export function useMemberSetUp(ref: string, deviceRef: string) {
  return useChange(
    (mcGroupId: number) =>
      api.GET("/api/v1/multicastGroups/{groupRef}/members/{deviceRef}/setUp", {
        params: { path: { groupRef: ref, deviceRef }, query: { mcGroupId } },
      }),
    [],
  );
}

export function useSendToGroup(ref: string) {
  return useChange(
    (body: Schemas["GroupDownlink"]) =>
      api.POST("/api/v1/multicastGroups/{groupRef}/downlinks", { ...path(ref), body }),
    touched,
  );
}
