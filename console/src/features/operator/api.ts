// The network and those whom it serves.
import { keepPreviousData, useQueryClient } from "@tanstack/react-query";
import { api, type Schemas } from "../../api/client";
import { $api } from "../../api/queries";
import type { operations } from "../../api/schema";
import { refresh, useChange, type Readable } from "../../api/changes";

const stations = [
  "/api/v1/operator/baseStations",
  "/api/v1/operator/baseStations/unknown",
  "/api/v1/operator/overview",
] as const satisfies Readable[];
const people = [
  "/api/v1/operator/users",
  "/api/v1/operator/subscribers",
  "/api/v1/operator/overview",
] as const satisfies Readable[];
const plans = ["/api/v1/operator/plans", "/data/lora/thingpark/connectivityPlans"] as const satisfies Readable[];
const profiles = [
  "/api/v1/operator/deviceProfiles",
  "/data/lora/thingpark/deviceProfiles",
] as const satisfies Readable[];
const hsmGroups = ["/api/v1/operator/hsmGroups", "/data/lora/thingpark/hsmGroups"] as const satisfies Readable[];

export function useStations(refetchInterval = 5000, enabled = true) {
  return $api.useQuery("get", "/api/v1/operator/baseStations", undefined, { refetchInterval, enabled });
}

export function useUnknownStations() {
  return $api.useQuery("get", "/api/v1/operator/baseStations/unknown", undefined, { refetchInterval: 5000 });
}

export function useCluster() {
  return $api.useQuery("get", "/api/v1/operator/cluster", undefined, { refetchInterval: 2000 });
}

export function useUnknownDevices() {
  return $api.useQuery("get", "/api/v1/operator/unknownDevices", undefined, { refetchInterval: 5000 });
}

/** What was counted and measured in the last days, in some sixty slots. */
export function useHistoryOf(stationId: string, days: number) {
  return $api.useQuery("get", "/api/v1/operator/baseStations/{stationId}/statistics", {
    params: {
      path: { stationId },
      query: { duration: days, aggregationStep: days <= 1 ? 1 : days <= 7 ? 3 : 24 },
    },
  });
}

/** What was heard and sent on each channel in the last days. */
export function useChannels(stationId: string, days: number) {
  return $api.useQuery("get", "/api/v1/operator/baseStations/{stationId}/channels", {
    params: { path: { stationId }, query: { duration: days } },
  });
}

export function useAvailability(stationId: string) {
  return $api.useQuery(
    "get",
    "/api/v1/operator/baseStations/{stationId}/availability",
    { params: { path: { stationId } } },
    { refetchInterval: 60_000 },
  );
}

export function useOutages(stationId: string) {
  return $api.useQuery(
    "get",
    "/api/v1/operator/baseStations/{stationId}/outages",
    { params: { path: { stationId }, query: { pageSize: 10 } } },
    { refetchInterval: 60_000 },
  );
}

/** How long each was connected within 35 days. */
export function useShares() {
  return $api.useQuery("get", "/api/v1/operator/baseStations/availability", undefined, { staleTime: 300_000 });
}

export function useWorth() {
  return $api.useQuery("get", "/api/v1/operator/baseStations/worth", undefined, { refetchInterval: 60_000 });
}

export function useDependents(stationId: string, after: string | undefined) {
  return $api.useQuery("get", "/api/v1/operator/baseStations/{stationId}/dependentDevices", {
    params: { path: { stationId }, query: { limit: 20, after } },
  });
}

interface Box {
  south: number;
  west: number;
  north: number;
  east: number;
}

/** Cells of a part of the map, which is all of it until the map says what it shows. */
export function useFailureCells(stationId: string, box: Box | null, cell: number) {
  return $api.useQuery(
    "get",
    "/api/v1/operator/baseStations/{stationId}/failureCells",
    { params: { path: { stationId }, query: { ...box, cell } } },
    { placeholderData: keepPreviousData },
  );
}

export function useReports() {
  return $api.useQuery("get", "/api/v1/operator/coverageReports");
}

export function useReport(reportRef: string) {
  return $api.useQuery("get", "/api/v1/operator/coverageReports/{reportRef}", { params: { path: { reportRef } } });
}

export function useReportRecipients() {
  return $api.useQuery("get", "/api/v1/operator/coverageReports/recipients");
}

export function useSaveReportRecipients() {
  return useChange(
    (body: { recipients: string[] }) => api.PUT("/api/v1/operator/coverageReports/recipients", { body }),
    ["/api/v1/operator/coverageReports/recipients"] as const satisfies Readable[],
  );
}

export function useSubscribers(enabled = true) {
  return $api.useQuery("get", "/api/v1/operator/subscribers", undefined, { refetchInterval: 15_000, enabled });
}

export function useUsers() {
  return $api.useQuery("get", "/api/v1/operator/users");
}

export function useDefaults() {
  return $api.useQuery("get", "/api/v1/operator/defaults");
}

/** Registers a base station, or changes the one that `id` names. */
export function useSaveStation(id: string | undefined) {
  return useChange(async ({ gatewayEUI, ...body }: Schemas["NewStation"]): Promise<{ id: string }> => {
    if (id === undefined) {
      const { data } = await api.POST("/api/v1/operator/baseStations", { body: { ...body, gatewayEUI } });
      return { id: data?.id ?? "" };
    }
    await api.PUT("/api/v1/operator/baseStations/{stationId}", { params: { path: { stationId: id } }, body });
    return { id };
  }, stations);
}

export function useDeleteStation(id: string) {
  return useChange(
    () => api.DELETE("/api/v1/operator/baseStations/{stationId}", { params: { path: { stationId: id } } }),
    stations,
  );
}

type ConfigurationQuery = NonNullable<operations["stationConfiguration"]["parameters"]["query"]>;
/** Without a chip, that of the base station's profile. */
export type Program = Required<Pick<ConfigurationQuery, "format">> & Pick<ConfigurationQuery, "chip" | "concentrator">;

export function useStationConfiguration(
  stationId: string,
  query: Program & { server?: string },
  placeholderData?: typeof keepPreviousData,
) {
  return $api.useQuery(
    "get",
    "/api/v1/operator/baseStations/{stationId}/configuration",
    { params: { path: { stationId }, query } },
    { placeholderData },
  );
}

const stationProfiles = [
  "/api/v1/operator/baseStationProfiles",
  "/api/v1/operator/baseStations",
] as const satisfies Readable[];

export function useStationProfiles() {
  return $api.useQuery("get", "/api/v1/operator/baseStationProfiles");
}

/** The base stations that have a profile, as they are now. */
export function useStationProfileUses(profileRef: string) {
  return $api.useQuery(
    "get",
    "/api/v1/operator/baseStationProfiles/{profileRef}/uses",
    { params: { path: { profileRef } } },
    { staleTime: 0, gcTime: 0 },
  );
}

export function useSaveStationProfile(profileRef: string | undefined) {
  return useChange(
    async ({ id, name, settings }: { id: string; name: string; settings: Settings }): Promise<unknown> =>
      profileRef === undefined
        ? api.POST("/api/v1/operator/baseStationProfiles", { body: { id, name, settings } })
        : api.PUT("/api/v1/operator/baseStationProfiles/{profileRef}", {
            params: { path: { profileRef } },
            body: { name, settings },
          }),
    stationProfiles,
  );
}

export function useRemoveStationProfile(profileRef: string) {
  return useChange(
    (moveTo: string | undefined) =>
      api.DELETE("/api/v1/operator/baseStationProfiles/{profileRef}", {
        params: { path: { profileRef }, query: moveTo === undefined ? {} : { moveTo } },
      }),
    stationProfiles,
  );
}

const tokens = ["/api/v1/operator/baseStations/{stationId}/tokens"] as const satisfies Readable[];

export function useStationTokens(stationId: string) {
  return $api.useQuery("get", "/api/v1/operator/baseStations/{stationId}/tokens", { params: { path: { stationId } } });
}

export function useIssueStationToken(stationId: string) {
  return useChange(
    () => api.POST("/api/v1/operator/baseStations/{stationId}/tokens", { params: { path: { stationId } } }),
    tokens,
  );
}

export function useRevokeStationToken(stationId: string) {
  return useChange(
    (tokenRef: string) =>
      api.DELETE("/api/v1/operator/baseStations/{stationId}/tokens/{tokenRef}", {
        params: { path: { stationId, tokenRef } },
      }),
    tokens,
  );
}

const updates = [
  "/api/v1/operator/baseStations/updates",
  "/api/v1/operator/baseStations/{stationId}/updates",
  "/api/v1/operator/baseStations/{stationId}/tokens",
  "/api/v1/operator/baseStations/{stationId}/certificates",
] as const satisfies Readable[];

const certificates = ["/api/v1/operator/baseStations/{stationId}/certificates"] as const satisfies Readable[];

export function useStationCertificates(stationId: string) {
  return $api.useQuery("get", "/api/v1/operator/baseStations/{stationId}/certificates", {
    params: { path: { stationId } },
  });
}

export function useIssueStationCertificate(stationId: string) {
  return useChange(
    () => api.POST("/api/v1/operator/baseStations/{stationId}/certificates", { params: { path: { stationId } } }),
    certificates,
  );
}

export function useRevokeStationCertificate(stationId: string) {
  return useChange(
    (certificateRef: string) =>
      api.DELETE("/api/v1/operator/baseStations/{stationId}/certificates/{certificateRef}", {
        params: { path: { stationId, certificateRef } },
      }),
    certificates,
  );
}

export function useFleetUpdates() {
  return $api.useQuery("get", "/api/v1/operator/baseStations/updates", undefined, { refetchInterval: 10_000 });
}

export function useStationUpdates(stationId: string) {
  return $api.useQuery(
    "get",
    "/api/v1/operator/baseStations/{stationId}/updates",
    { params: { path: { stationId } } },
    { refetchInterval: 5000 },
  );
}

export function useOrderUpdates() {
  return useChange(
    (body: Schemas["UpdateOrder"]) => api.POST("/api/v1/operator/baseStations/updates", { body }),
    updates,
  );
}

const firmware = ["/api/v1/operator/firmware", "/api/v1/operator/baseStations/updates"] as const satisfies Readable[];

export function useFirmware() {
  return $api.useQuery("get", "/api/v1/operator/firmware", undefined);
}

/** Shows what was uploaded. */
export function useUpload() {
  const queries = useQueryClient();
  return () => {
    refresh(queries, firmware);
    return true;
  };
}

export function useSignFirmware(firmwareRef: string) {
  return useChange(
    (body: Schemas["FirmwareSignature"]) =>
      api.POST("/api/v1/operator/firmware/{firmwareRef}/signatures", { params: { path: { firmwareRef } }, body }),
    firmware,
  );
}

export function useRemoveFirmware() {
  return useChange(
    (firmwareRef: string) =>
      api.DELETE("/api/v1/operator/firmware/{firmwareRef}", { params: { path: { firmwareRef } } }),
    firmware,
  );
}

export function useWithdrawUpdate(stationId: string) {
  return useChange(
    (updateRef: string) =>
      api.DELETE("/api/v1/operator/baseStations/{stationId}/updates/{updateRef}", {
        params: { path: { stationId, updateRef } },
      }),
    updates,
  );
}

export function useCreateSubscriber() {
  return useChange(
    (body: { customerId: string; name: string }) => api.POST("/api/v1/operator/subscribers", { body }),
    people,
  );
}

export interface Person {
  kind: "operator" | "subscriber";
  ref: string;
}

function path({ kind, ref }: Person) {
  return { params: { path: { kind, userRef: ref } } };
}

export function useCreateUser() {
  return useChange((body: Schemas["NewUser"]) => api.POST("/api/v1/operator/users", { body }), people);
}

export function useChangeUser() {
  return useChange(
    ({ person, ...body }: { person: Person } & Schemas["UserChange"]) =>
      api.PUT("/api/v1/operator/users/{kind}/{userRef}", { ...path(person), body }),
    people,
  );
}

export function useCopyUser(person: Person) {
  return useChange(
    (body: Schemas["UserCopy"]) => api.POST("/api/v1/operator/users/{kind}/{userRef}/copy", { ...path(person), body }),
    people,
  );
}

export function useResetUserFactor() {
  return useChange(
    (person: Person) => api.POST("/api/v1/operator/users/{kind}/{userRef}/secondFactor/reset", path(person)),
    people,
  );
}

/** What ends with a user. */
export function useUserUses(person: Person) {
  return $api.useQuery("get", "/api/v1/operator/users/{kind}/{userRef}/uses", path(person), { gcTime: 0 });
}

export function useDeleteUser() {
  return useChange((person: Person) => api.DELETE("/api/v1/operator/users/{kind}/{userRef}", path(person)), people);
}

type Settings = Record<string, never>;
export type Communication = Schemas["NewPlan"]["communicationType"];
interface NewPlan {
  id: string;
  name: string;
  settings: Settings;
  communicationType: Communication;
}

export function useSavePlan(ref: string | undefined) {
  return useChange(
    ({ communicationType, ...plan }: NewPlan) =>
      ref === undefined
        ? api.POST("/api/v1/operator/plans", { body: { ...plan, communicationType } })
        : api.PUT("/api/v1/operator/plans/{planRef}", {
            params: { path: { planRef: ref } },
            body: { name: plan.name, settings: plan.settings },
          }),
    plans,
  );
}

export function useGrantPlan(ref: string) {
  return useChange(
    (body: { customerId: string; granted: number }) =>
      api.PUT("/api/v1/operator/plans/{planRef}/grants", { params: { path: { planRef: ref } }, body }),
    plans,
  );
}

/** Makes a plan and grants connections of it. */
export function useGrantNewPlan() {
  return useChange(
    async ({ plan, grant }: { plan: Schemas["NewPlan"]; grant: { customerId: string; granted: number } }) => {
      await api.POST("/api/v1/operator/plans", { body: plan });
      const { data } = await api.GET("/api/v1/operator/plans");
      const planRef = data?.find((one) => one.id === plan.id)?.ref ?? "";
      return api.PUT("/api/v1/operator/plans/{planRef}/grants", { params: { path: { planRef } }, body: grant });
    },
    plans,
  );
}

export function useSaveDeviceProfile(ref: string | undefined) {
  return useChange(
    ({ id, name, settings }: { id: string; name: string; settings: Settings }) =>
      ref === undefined
        ? api.POST("/api/v1/operator/deviceProfiles", { body: { id, name, settings } })
        : api.PUT("/api/v1/operator/deviceProfiles/{profileRef}", {
            params: { path: { profileRef: ref } },
            body: { name, settings },
          }),
    profiles,
  );
}

export function useChangeBranding() {
  return useChange(
    (body: Schemas["NewBranding"]) => api.PUT("/api/v1/operator/branding", { body }),
    ["/api/v1/operator/branding"],
  );
}

export function useRemoveBranding() {
  return useChange(() => api.DELETE("/api/v1/operator/branding"), ["/api/v1/operator/branding"]);
}

export function useCreateHsmGroup() {
  return useChange(
    (body: { name: string; vault: string }) => api.POST("/api/v1/operator/hsmGroups", { body }),
    hsmGroups,
  );
}

export function useChangeHsmGroup(id: string) {
  return useChange(
    (body: { name: string }) =>
      api.PUT("/api/v1/operator/hsmGroups/{hsmGroupId}", { params: { path: { hsmGroupId: id } }, body }),
    hsmGroups,
  );
}

export function useChangeSubscriber(customerId: string) {
  return useChange(
    (body: { name: string }) =>
      api.PUT("/api/v1/operator/subscribers/{customerId}", { params: { path: { customerId } }, body }),
    people,
  );
}
