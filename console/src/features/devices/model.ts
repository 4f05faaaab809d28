// What screens of devices have in common.
import type { Schemas } from "../../api/client";
import type { FiltersOf } from "../../navigation";

export type Device = Schemas["VeldnetDevice"];

export const sorts = [
  "name",
  "-name",
  "deviceEUI",
  "-deviceEUI",
  "created",
  "-created",
  "alarm",
  "-alarm",
  "lastUplink",
  "-lastUplink",
  "meanPER",
  "-meanPER",
] as const;
export const healthStates = ["ACTIVE", "INIT", "RF_CNX_ERROR"] as const;
export const alarmLevels = ["ANY", "WARNING", "MINOR", "MAJOR", "CRITICAL"] as const;

export const filterNames = [
  "search",
  "healthState",
  "connectivityPlanId",
  "deviceProfileId",
  "routingProfileId",
  "alarm",
  "tag",
] as const;
/** Which devices are listed, exported and on the map. */
export type DeviceFilters = Pick<FiltersOf<"/devices">, (typeof filterNames)[number]>;

/** The filters among the parameters of the list; which page and order it shows are none. */
export function filtersIn({
  search,
  healthState,
  connectivityPlanId,
  deviceProfileId,
  routingProfileId,
  alarm,
  tag,
}: FiltersOf<"/devices">): DeviceFilters {
  return { search, healthState, connectivityPlanId, deviceProfileId, routingProfileId, alarm, tag };
}

export function worstAlarm(device: Device): { state: string; count: number } | null {
  const of = device.statistics?.alarmStatistics;
  if (!of) return null;
  const counts: [string, number][] = [
    ["CRITICAL", of.nonAckedCriticalCount],
    ["MAJOR", of.nonAckedMajorCount],
    ["MINOR", of.nonAckedMinorCount],
    ["WARNING", of.nonAckedWarningCount],
    ["UNCLEARED", of.nonAckedUnclearedCount],
    ["CLEARED", of.nonAckedClearedCount],
  ];
  const worst = counts.find(([, count]) => count > 0);
  return worst ? { state: worst[0], count: counts.reduce((sum, [, count]) => sum + count, 0) } : null;
}
