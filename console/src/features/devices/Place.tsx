// Where a device is, and which base stations hear it.
import { Button, Group, Stack, Text } from "@mantine/core";
import { useMemo, useState } from "react";
import { type Schemas } from "../../api/client";
import { $api } from "../../api/queries";
import { RowButton } from "../../components/actions";
import { Coordinates } from "../../components/Coordinates";
import { placeOf } from "../../components/places";
import { IfMayChange, Panel } from "../../components/basics";
import { openDialog } from "../../components/dialogs";
import { same } from "../../components/edits";
import { WorldMap } from "../../components/Map";
import type { Spot } from "../../components/MapCanvas";
import { number } from "../../format";
import { useT } from "../../text";
import { espColor, healthColor } from "../../theme";
import type { Line } from "../logger/useFrames";
import { useLocations, useMoveDevice } from "./api";
import { Located } from "./Located";
import { around, locatedSpots } from "./located";
import { useSaving } from "../../components/saving";

type Device = Schemas["Device"];

export function DevicePlace({ device }: { device: Device }) {
  const t = useT();
  const frames = $api.useQuery(
    "get",
    "/api/v1/frames",
    {
      params: {
        query: {
          deviceRef: device.ref,
          limit: 50,
          packetType: "UPLINK_DATA,UPLINK_MAC_DATA,UPLINK_MAC,UPLINK_JOIN",
        },
      },
    },
    { refetchInterval: 30_000 },
  );
  const located = useLocations(device.ref ?? "").data;
  const spots = useMemo(
    () => [...spotsOf(device, frames.data?.frames ?? []), ...locatedSpots(located, t("location.network"))],
    [frames.data, device, located, t],
  );
  const edit = () => openDialog(t("device.place"), <PlaceForm device={device} />, { size: "lg" });
  return (
    <Panel
      title={t("device.place")}
      right={
        <IfMayChange>
          <RowButton onClick={edit}>{t("common.edit")}</RowButton>
        </IfMayChange>
      }
    >
      {spots.length ? (
        <WorldMap
          label={t("device.place")}
          spots={spots}
          height={300}
          fit={`${device.ref}-${spots.length}`}
          places={around(located)}
        />
      ) : (
        <Text size="sm" c="dimmed">
          {t("device.noPlace")}
        </Text>
      )}
      {located && <Located found={located} />}
    </Panel>
  );
}

type Heard = Spot & { esp: number };

/** The base stations that have heard the device, each as it did last. */
function stationsOf(frames: Line[]): Heard[] {
  const stations = new Map<string, Heard>();
  for (const line of frames) {
    if (
      !line.baseStationId ||
      line.stationLatitude === null ||
      line.stationLongitude === null ||
      stations.has(line.baseStationId)
    )
      continue;
    stations.set(line.baseStationId, {
      id: line.baseStationId,
      latitude: line.stationLatitude,
      longitude: line.stationLongitude,
      kind: "station",
      label: `${line.baseStationId} · ${number(line.esp, "dBm")}`,
      color: espColor(line.esp ?? -120),
      esp: line.esp ?? -120,
    });
  }
  return [...stations.values()];
}

function spotsOf(device: Device, frames: Line[]): Spot[] {
  const stations = stationsOf(frames);
  if (device.geoLatitude === undefined || device.geoLongitude === undefined) return stations;
  return [
    ...stations,
    {
      id: "device",
      latitude: device.geoLatitude,
      longitude: device.geoLongitude,
      kind: "device",
      label: device.name ?? "",
      color: healthColor[device.statistics?.healthState ?? ""] ?? "gray",
      to: stations.map((station) => ({
        latitude: station.latitude,
        longitude: station.longitude,
        color: station.esp >= -100 ? "#2b9160" : station.esp >= -110 ? "#f08c00" : "#e03131",
        label: station.label,
      })),
    },
  ];
}

function PlaceForm({ device }: { device: Device }) {
  const t = useT();
  const move = useMoveDevice(device.ref ?? "");
  const [latitude, setLatitude] = useState<number | string>(device.geoLatitude ?? "");
  const [longitude, setLongitude] = useState<number | string>(device.geoLongitude ?? "");
  const store = useSaving(!same([latitude, longitude], [device.geoLatitude ?? "", device.geoLongitude ?? ""]));
  const save = (north: number | null, east: number | null) =>
    store(move.mutateAsync({ latitude: north, longitude: east }), t("device.placeSaved"));
  const place = placeOf(latitude, longitude);
  const here: Spot[] = place ? [{ id: "here", ...place, kind: "device", label: device.name ?? "", color: "veld" }] : [];
  return (
    <Stack>
      <Text size="sm" c="dimmed">
        {t("device.placeText")}
      </Text>
      <WorldMap
        label={t("device.place")}
        spots={here}
        height={320}
        fit={device.ref}
        onPick={(north, east) => {
          setLatitude(Number(north.toFixed(5)));
          setLongitude(Number(east.toFixed(5)));
        }}
      />
      <Group grow align="flex-start">
        <Coordinates latitude={latitude} setLatitude={setLatitude} longitude={longitude} setLongitude={setLongitude} />
      </Group>
      <Group justify="flex-end">
        {device.geoLatitude !== undefined && (
          <Button variant="subtle" color="red" onClick={() => void save(null, null)}>
            {t("device.placeTake")}
          </Button>
        )}
        <Button disabled={!place} onClick={() => place && void save(place.latitude, place.longitude)}>
          {t("common.save")}
        </Button>
      </Group>
    </Stack>
  );
}
