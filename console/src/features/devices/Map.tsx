import { Box, Checkbox, Group, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { type Schemas } from "../../api/client";
import { $api } from "../../api/queries";
import { Problem, blocking } from "../../components/basics";
import { WorldMap } from "../../components/Map";
import type { Area, Spot, View } from "../../components/MapCanvas";
import { number, relative } from "../../format";
import { useT, useTexts, type Translate } from "../../text";
import type { DeviceFilters } from "./model";
import { healthColor } from "../../theme";
import { levelOf, levels } from "./coverage";
import { DeviceCard, StationCard } from "./MapCard";

/** A device, or a cell with many. */
function spotOf(place: Schemas["MapCell"], index: number, t: Translate, choose: (device: string) => void): Spot {
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
    onClick: alone ? () => choose(ref) : undefined,
  };
}

/** A device where the network has located it last, or a cell with many. */
function foundSpot(
  place: Schemas["FoundCell"],
  index: number,
  { t, language }: ReturnType<typeof useTexts>,
  choose: (device: string) => void,
): Spot {
  const { ref, time, hRadius } = place;
  const { latitude, longitude, devices: count } = place;
  const at = { latitude, longitude, count };
  if (typeof ref !== "string" || typeof time !== "string" || typeof hRadius !== "number")
    return {
      ...at,
      id: `found-${index}`,
      kind: "cluster",
      color: "blue",
      label: t("map.foundCluster", { count }),
    };
  return {
    ...at,
    id: `found-${ref}`,
    kind: "device",
    color: "blue",
    radius: hRadius,
    label: t("map.found", {
      name: `${place.name} (${place.EUI})`,
      age: relative(time, language),
      radius: number(Math.round(hRadius), "m"),
    }),
    onClick: () => choose(ref),
  };
}

/** A base station in its place, where it has one. */
function stationSpots(one: Schemas["MapStation"], t: Translate, choose: (station: string) => void): Spot[] {
  const { id, latitude, longitude } = one;
  if (latitude === null || longitude === null) return [];
  return [
    {
      id: `station-${id}`,
      latitude,
      longitude,
      kind: "station" as const,
      color: one.connected ? "veld" : "red",
      label: t("map.station", { name: one.name ?? id }),
      onClick: () => choose(id),
    },
  ];
}

/** How well uplinks from each part of what is seen arrive, where that is asked for. */
function useAreas(covered: boolean, settled: View | null, cell: number, only: string | null): Area[] | undefined {
  const t = useT();
  const box = settled && { south: settled.south, west: settled.west, north: settled.north, east: settled.east };
  const coverage = $api.useQuery(
    "get",
    "/api/v1/coverage",
    { params: { query: { ...box, cell: cell / 3, baseStationId: only ?? undefined } } },
    { enabled: covered && settled !== null, placeholderData: keepPreviousData },
  );
  return useMemo(
    () =>
      covered
        ? (coverage.data ?? []).map((one) => ({
            id: `${one.south} ${one.west}`,
            south: one.south,
            west: one.west,
            size: one.size,
            color: levelOf(one.esp).color,
            label: t("map.cell", { esp: number(one.esp, "dBm"), frames: one.frames, stations: one.stations }),
          }))
        : undefined,
    [covered, coverage.data, t],
  );
}

interface LegendProps {
  located: boolean;
  setLocated: (located: boolean) => void;
  covered: boolean;
  setCovered: (covered: boolean) => void;
  only: string | null;
}

function Legend({ located, setLocated, covered, setCovered, only }: LegendProps) {
  const t = useT();
  return (
    <Group mb="xs">
      <Checkbox
        label={t("map.located")}
        checked={located}
        color="blue"
        onChange={(event) => setLocated(event.currentTarget.checked)}
      />
      <Checkbox
        label={t("map.coverage")}
        checked={covered}
        onChange={(event) => setCovered(event.currentTarget.checked)}
      />
      {covered &&
        levels.map((level) => (
          <Group key={level.name} gap={6}>
            <Box w={14} h={14} bg={level.color} style={{ borderRadius: 3 }} aria-hidden />
            <Text size="sm">{t(`map.level.${level.name}`)}</Text>
          </Group>
        ))}
      {covered && only && (
        <Text size="sm" c="dimmed">
          {t("map.onlyOf", { id: only })}
        </Text>
      )}
    </Group>
  );
}

/** The corners of all cells: a mark stands in the middle of its devices, and the map opens with all of them. */
function cornersOf(cells: Pick<Schemas["MapCell"], "south" | "west" | "north" | "east">[]) {
  return cells.flatMap(({ south, west, north, east }) => [
    { latitude: south, longitude: west },
    { latitude: north, longitude: east },
  ]);
}

/** The devices in view, as large as the map shows them, and those of the whole world; of those that the network has
 * located, too. */
function usePlaces(filters: DeviceFilters, located: boolean) {
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
  const last = $api.useQuery(
    "get",
    "/api/v1/devices/map/locations",
    { params: { query } },
    { enabled: settled !== null && located, placeholderData: keepPreviousData, refetchInterval: 30_000 },
  );
  const lastEverywhere = $api.useQuery("get", "/api/v1/devices/map/locations", {
    params: { query: { ...filters, cell: 0.5 } },
  });
  const world = useMemo(
    () => (everywhere.data ?? []).reduce((sum, place) => sum + place.devices, 0),
    [everywhere.data],
  );
  const corners = useMemo(
    () =>
      everywhere.data && (lastEverywhere.data || lastEverywhere.isError)
        ? cornersOf([...everywhere.data, ...(lastEverywhere.data ?? [])])
        : undefined,
    [everywhere.data, lastEverywhere.data, lastEverywhere.isError],
  );
  return { found, last: located ? last.data : undefined, corners, world, settled, cell, setView };
}

/** The marks of devices, where people say that they are and where the network has located them. */
function useSpots(
  entered: Schemas["MapCell"][] | undefined,
  last: Schemas["FoundCell"][] | undefined,
  choose: (chosen: { device: string }) => void,
) {
  const texts = useTexts();
  const spots = useMemo(
    () => (entered ?? []).map((place, index) => spotOf(place, index, texts.t, (device) => choose({ device }))),
    [entered, texts, choose],
  );
  const lastSpots = useMemo(
    () => (last ?? []).map((place, index) => foundSpot(place, index, texts, (device) => choose({ device }))),
    [last, texts, choose],
  );
  return { spots, lastSpots };
}

/** How many of the devices that have a place are in view. */
function Shown({ spots, devices, found }: { spots: Spot[]; devices: number; found: Spot[] }) {
  const t = useT();
  const count = (of: Spot[]) => of.reduce((sum, spot) => sum + (spot.count ?? 1), 0);
  return (
    <Box mt="xs" role="status">
      {(devices > 0 || !found.length) && (
        <Text size="sm" c="dimmed">
          {devices ? t("map.shown", { count: number(count(spots)), total: devices }) : t("map.empty")}
        </Text>
      )}
      {found.length > 0 && (
        <Text size="sm" c="dimmed">
          {t("map.foundShown", { count: count(found) })}
        </Text>
      )}
    </Box>
  );
}

export function DeviceMap({ filters }: { filters: DeviceFilters }) {
  const t = useT();
  const [chosen, setChosen] = useState<{ device: string } | { station: string } | null>(null);
  const [located, setLocated] = useState(true);
  const [covered, setCovered] = useState(false);
  const [only, setOnly] = useState<string | null>(null);
  const { found, last, corners, world, settled, cell, setView } = usePlaces(filters, located);
  const { spots, lastSpots } = useSpots(found.data, last, setChosen);
  const stations = $api.useQuery("get", "/api/v1/coverage/baseStations", undefined, { refetchInterval: 30_000 });
  const all = useMemo(
    () => [
      ...spots,
      ...lastSpots,
      ...(stations.data ?? []).flatMap((one) => stationSpots(one, t, (station) => setChosen({ station }))),
    ],
    [spots, lastSpots, stations.data, t],
  );
  const areas = useAreas(covered, settled, cell, only);
  const station = chosen && "station" in chosen ? stations.data?.find((one) => one.id === chosen.station) : undefined;
  if (blocking(found)) return <Problem error={found.error} retry={() => void found.refetch()} />;
  return (
    <>
      <Legend located={located} setLocated={setLocated} covered={covered} setCovered={setCovered} only={only} />
      <WorldMap
        label={t("devices.map")}
        spots={all}
        areas={areas}
        height={560}
        onView={setView}
        fit={corners ? JSON.stringify(filters) : undefined}
        places={corners}
      />
      {chosen && "device" in chosen && (
        <Box mt="sm">
          <DeviceCard deviceRef={chosen.device} onClose={() => setChosen(null)} />
        </Box>
      )}
      {station && (
        <Box mt="sm">
          <StationCard
            station={station}
            only={only === station.id}
            onOnly={() => {
              setOnly(only === station.id ? null : station.id);
              setCovered(true);
            }}
            onClose={() => setChosen(null)}
          />
        </Box>
      )}
      <Shown spots={spots} devices={world} found={lastSpots} />
    </>
  );
}
