// Where the network has located a device, as marks of a map.
import type { Schemas } from "../../api/client";
import type { Spot } from "../../components/MapCanvas";

export type Locations = Schemas["DeviceLocations"];

/** The last place with its uncertainty and the way there; nothing where there is none. */
export function locatedSpots(found: Locations | undefined, label: string): Spot[] {
  const [last, ...before] = found?.locations ?? [];
  if (!last) return [];
  return [
    {
      id: "located",
      latitude: last.lat,
      longitude: last.lon,
      kind: "device",
      label: `${label} · ± ${Math.round(last.hRadius)} m`,
      color: "blue",
      radius: last.hRadius,
      path: before.map((place) => ({ latitude: place.lat, longitude: place.lon })),
    },
  ];
}

/** What a map shows first: the place with all that its uncertainty covers, and the way there. */
export function around(found: Locations | undefined): { latitude: number; longitude: number }[] | undefined {
  const [last] = found?.locations ?? [];
  if (!found || !last) return undefined;
  const north = last.hRadius / 111_000;
  const east = north / Math.max(Math.cos((last.lat * Math.PI) / 180), 0.01);
  return [
    { latitude: last.lat - north, longitude: last.lon - east },
    { latitude: last.lat + north, longitude: last.lon + east },
    ...found.locations.map((place) => ({ latitude: place.lat, longitude: place.lon })),
  ];
}
