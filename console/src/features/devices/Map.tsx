import { useNavigate } from "@tanstack/react-router";
import { Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { $api } from "../../api/client";
import { Problem, blocking } from "../../components/basics";
import { WorldMap } from "../../components/Map";
import type { Spot, View } from "../../components/MapCanvas";
import { number } from "../../format";
import { useT } from "../../text";
import type { DeviceFilters } from "./model";
import { healthColor } from "../../theme";

export function DeviceMap({ filters }: { filters: DeviceFilters }) {
  const t = useT();
  const navigate = useNavigate();
  const [view, setView] = useState<View | null>(null);
  const [settled] = useDebouncedValue(view, 200);
  // So large that two marks of neighbours do not lie on each other.
  const cell = settled ? 52 / ((256 * 2 ** settled.zoom) / 360) : 1;
  const query = settled
    ? { ...filters, south: settled.south, west: settled.west, north: settled.north, east: settled.east, cell }
    : {};
  const found = $api.useQuery(
    "get",
    "/api/v1/devices/map",
    { params: { query } },
    { enabled: settled !== null, placeholderData: keepPreviousData },
  );
  const everywhere = $api.useQuery("get", "/api/v1/devices/map", { params: { query: { ...filters, cell: 0.5 } } });
  const world = useMemo(
    () => (everywhere.data ?? []).reduce((sum, place) => sum + place.devices, 0),
    [everywhere.data],
  );
  const spots = useMemo<Spot[]>(
    () =>
      (found.data ?? []).map((place, index) => {
        const { ref } = place;
        const alone = typeof ref === "string";
        return {
          id: place.ref ?? `cell-${index}`,
          latitude: place.latitude,
          longitude: place.longitude,
          kind: alone ? "device" : "cluster",
          count: place.devices,
          color: alone ? (healthColor[place.healthState ?? ""] ?? "gray") : place.disconnected ? "orange" : "veld",
          label: alone
            ? `${place.name} (${place.EUI})`
            : t("map.cluster", { count: place.devices, lost: number(place.disconnected) }),
          onClick: alone ? () => void navigate({ to: "/devices/$ref", params: { ref } }) : undefined,
        };
      }),
    [found.data, navigate, t],
  );
  if (blocking(found)) return <Problem error={found.error} retry={() => void found.refetch()} />;
  return (
    <>
      <WorldMap
        label={t("devices.map")}
        spots={spots}
        height={560}
        onView={setView}
        fit={everywhere.data ? JSON.stringify(filters) : undefined}
        places={everywhere.data}
      />
      <Text size="sm" c="dimmed" mt="xs" role="status">
        {world
          ? t("map.shown", {
              count: number(spots.reduce((sum, spot) => sum + (spot.count ?? 1), 0)),
              total: world,
            })
          : t("map.empty")}
      </Text>
    </>
  );
}
