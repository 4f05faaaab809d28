// Campaigns: what is read of them, and what is changed.
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { api, type Schemas } from "../../api/client";
import { $api } from "../../api/queries";
import { useChange, type Readable } from "../../api/changes";

export type Campaign = Schemas["CampaignView"];
export type CampaignDevice = Schemas["CampaignDeviceView"];
export type DeviceState = CampaignDevice["state"];

const touched = [
  "/api/v1/campaigns",
  "/api/v1/campaigns/{campaignRef}",
  "/api/v1/campaigns/{campaignRef}/devices",
] as const satisfies Readable[];

const path = (ref: string) => ({ params: { path: { campaignRef: ref } } });

export function useCampaigns() {
  return $api.useQuery("get", "/api/v1/campaigns", undefined, { refetchInterval: 15_000 });
}

export function useCampaign(ref: string) {
  return $api.useQuery("get", "/api/v1/campaigns/{campaignRef}", path(ref), { refetchInterval: 5_000 });
}

/** The devices of a campaign, a page at a time. */
export function useCampaignDevices(ref: string, state: DeviceState | undefined) {
  return useInfiniteQuery({
    queryKey: ["get", "/api/v1/campaigns/{campaignRef}/devices", ref, state],
    queryFn: async ({ pageParam, signal }) => {
      const query = { state, after: pageParam === null ? undefined : Number(pageParam), pageSize: 100 };
      const { data } = await api.GET("/api/v1/campaigns/{campaignRef}/devices", {
        params: { path: { campaignRef: ref }, query },
        signal,
      });
      return data ?? { devices: [], after: null };
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.after,
    refetchInterval: 10_000,
    placeholderData: keepPreviousData,
  });
}

export function useDeviceTags() {
  return $api.useQuery("get", "/api/v1/devices/tags", undefined, { staleTime: 60_000 }).data ?? [];
}

export function useCreateCampaign() {
  return useChange((body: Schemas["CampaignBody"]) => api.POST("/api/v1/campaigns", { body }), touched);
}

export type Action = "pause" | "resume" | "abort";

export function useCampaignAction(ref: string) {
  return useChange((action: Action) => api.POST(`/api/v1/campaigns/{campaignRef}/${action}`, path(ref)), touched);
}

export function useDeleteCampaign(ref: string) {
  return useChange(() => api.DELETE("/api/v1/campaigns/{campaignRef}", path(ref)), touched);
}
