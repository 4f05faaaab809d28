// Suspending and deleting what an operator offers, and subscribers.
import { useQuery } from "@tanstack/react-query";
import { api } from "../../api/client";
import { useChange, type Readable } from "../../api/changes";

export type Kind = "plans" | "deviceProfiles" | "hsmGroups" | "subscribers";

const touched: Record<Kind, readonly Readable[]> = {
  plans: ["/api/v1/operator/plans", "/data/lora/thingpark/connectivityPlans", "/api/v1/devices"],
  deviceProfiles: ["/api/v1/operator/deviceProfiles", "/data/lora/thingpark/deviceProfiles", "/api/v1/devices"],
  hsmGroups: ["/api/v1/operator/hsmGroups", "/data/lora/thingpark/hsmGroups"],
  subscribers: ["/api/v1/operator/subscribers", "/api/v1/operator/users", "/api/v1/operator/overview"],
};

const paths = {
  plans: (ref: string) => ({ params: { path: { planRef: ref } } }),
  deviceProfiles: (ref: string) => ({ params: { path: { profileRef: ref } } }),
  hsmGroups: (ref: string) => ({ params: { path: { hsmGroupId: ref } } }),
  subscribers: (ref: string) => ({ params: { path: { customerId: ref } } }),
};

async function readUses(kind: Kind, ref: string): Promise<{ devices: number } & Record<string, unknown>> {
  const answer =
    kind === "plans"
      ? await api.GET("/api/v1/operator/plans/{planRef}/uses", paths.plans(ref))
      : kind === "deviceProfiles"
        ? await api.GET("/api/v1/operator/deviceProfiles/{profileRef}/uses", paths.deviceProfiles(ref))
        : kind === "hsmGroups"
          ? await api.GET("/api/v1/operator/hsmGroups/{hsmGroupId}/uses", paths.hsmGroups(ref))
          : await api.GET("/api/v1/operator/subscribers/{customerId}/uses", paths.subscribers(ref));
  return { ...(answer.data ?? { devices: 0 }) };
}

/** What hangs on it, as it is now. */
export function useUses(kind: Kind, ref: string) {
  return useQuery({ queryKey: ["uses", kind, ref], queryFn: () => readUses(kind, ref), staleTime: 0, gcTime: 0 });
}

export function useSuspend(kind: Kind, ref: string) {
  return useChange(async (suspended: boolean): Promise<unknown> => {
    const body = { suspended };
    if (kind === "plans") return api.PUT("/api/v1/operator/plans/{planRef}", { ...paths.plans(ref), body });
    if (kind === "deviceProfiles")
      return api.PUT("/api/v1/operator/deviceProfiles/{profileRef}", { ...paths.deviceProfiles(ref), body });
    if (kind === "hsmGroups")
      return api.PUT("/api/v1/operator/hsmGroups/{hsmGroupId}", { ...paths.hsmGroups(ref), body });
    return api.PUT("/api/v1/operator/subscribers/{customerId}", { ...paths.subscribers(ref), body });
  }, touched[kind]);
}

export function useRemove(kind: Kind, ref: string) {
  return useChange(async (moveTo: string | undefined): Promise<unknown> => {
    const query = moveTo === undefined ? {} : { moveTo };
    if (kind === "plans")
      return api.DELETE("/api/v1/operator/plans/{planRef}", { params: { ...paths.plans(ref).params, query } });
    if (kind === "deviceProfiles")
      return api.DELETE("/api/v1/operator/deviceProfiles/{profileRef}", {
        params: { ...paths.deviceProfiles(ref).params, query },
      });
    if (kind === "hsmGroups") return api.DELETE("/api/v1/operator/hsmGroups/{hsmGroupId}", paths.hsmGroups(ref));
    return api.DELETE("/api/v1/operator/subscribers/{customerId}", paths.subscribers(ref));
  }, touched[kind]);
}
