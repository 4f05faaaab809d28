// A new device: what is chosen for it, and the calls that create it.
import { api, type Schemas } from "../../api/client";
import { useHsmGroups, useProfiles, useRouting } from "../../api/catalogues";
import { useChange } from "../../api/changes";
import { listsOfDevices } from "./api";

export interface ModelPick {
  makerId: string;
  makerName: string;
  modelId: string;
  name: string;
  version: string;
  region: string;
}

/** How a device is to be connected. Empty texts stand for what is chosen where nobody chooses. */
export interface NetworkChoice {
  /** Null while a model is to be chosen; undefined where the device profile is chosen itself. */
  model: ModelPick | null | undefined;
  profile: string;
  plan: string;
  /** Undefined until somebody chooses: then it is the default profile. */
  routing: string | undefined;
  group: string;
  /** Without an HSM group. */
  plain: boolean;
}

export const noChoice: NetworkChoice = {
  model: undefined,
  profile: "",
  plan: "",
  routing: undefined,
  group: "",
  plain: false,
};

/** A choice with what is preselected: the first device profile and HSM group, and the default routing profile. */
export function useCompleted(choice: NetworkChoice) {
  const profiles = useProfiles();
  const routing = useRouting();
  const groups = useHsmGroups();
  return {
    ...choice,
    profile: choice.profile || profiles[0]?.id || "",
    routing: choice.routing ?? routing.find((profile) => profile.default)?.id ?? "",
    group: choice.group || groups[0]?.id || "",
    // Without a group there is no choice.
    plain: choice.plain || groups.length === 0,
  };
}

export type Completed = ReturnType<typeof useCompleted>;

export interface NewDevice {
  body: Schemas["Device"];
  network: Completed;
}

/** Creates a device. The profile and decoder of a model come first. */
export function useCreation() {
  return useChange(
    async ({ body, network }: NewDevice) => {
      let profile = network.profile;
      if (network.model) {
        const { makerId, modelId, version, region } = network.model;
        const chosen = await api.POST("/api/v1/catalogue/choice", {
          body: { makerId, modelId, version, region, decoder: true },
        });
        profile = chosen.data?.deviceProfileId ?? "";
      }
      return api.POST("/data/lora/thingpark/devices", {
        body: {
          ...body,
          activationType: "OTAA",
          deviceProfileId: profile,
          connectivityPlanId: network.plan || undefined,
          routingProfileId: network.routing || undefined,
          hsmGroupId: network.plain ? undefined : network.group || undefined,
        },
        params: { header: { "api-version": network.plain ? "v1.1.1" : "v1.2" } },
      });
    },
    [...listsOfDevices, "/data/lora/thingpark/deviceProfiles", "/api/v1/decoders"],
  );
}

/** What codes on devices say. */
export async function readCodes(codes: string[]): Promise<Schemas["ReadCode"][]> {
  const { data } = await api.POST("/api/v1/deviceCodes", { body: { codes } });
  return data ?? [];
}

export function modelOf(read: Schemas["ReadCode"]): ModelPick | null {
  return read.model ? { ...read.model } : null;
}
