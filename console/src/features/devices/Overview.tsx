import { Alert, Button, Grid, Group, NumberInput, Progress, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { $api, type Schemas } from "../../api/client";
import { usePlans, useProfiles, useRouting } from "../../api/catalogues";
import { Facts, IfMayChange, Loading, Mono, Panel, Problem, Time, blocking } from "../../components/basics";
import { useTell } from "../../components/notify";
import { WorldMap } from "../../components/Map";
import type { Spot } from "../../components/MapCanvas";
import { number, percent } from "../../format";
import { Findings } from "../../components/Findings";
import { useExplanation, useMoveDevice } from "./api";
import { useT, useTexts, type Translate } from "../../text";
import { closeDialogs, openDialog } from "../../components/dialogs";
import { same, useUnsaved } from "../../components/edits";
import { espColor, healthColor } from "../../theme";

export function DeviceOverview({ device }: { device: Schemas["Device"] }) {
  const t = useT();
  const plans = usePlans();
  const profiles = useProfiles();
  const routing = useRouting();
  const of = device.statistics;
  const plan = plans.find((one) => one.id === device.connectivityPlanId);
  const route = routing.find((one) => one.id === device.routingProfileId);
  return (
    <Grid>
      <Grid.Col span={{ base: 12, md: 6 }}>
        <Stack>
          {!device.routingProfileId && (
            <Alert color="orange" icon={<IconAlertTriangle size={20} />} title={t("device.noRouting")}>
              {t("device.noRoutingText")}
            </Alert>
          )}
          <Diagnosis deviceRef={device.ref ?? ""} />
          <Panel title={t("device.heard")}>
            <Facts
              items={[
                [t("device.lastUplink"), <Time key="u" at={of?.lastUplinkTime} />],
                [t("device.lastDownlink"), <Time key="d" at={of?.lastDownlinkTime} />],
                [t("device.packets"), `${number(of?.last24hUplinkCount)} ↑  ${number(of?.last24hDownlinkCount)} ↓`],
                [t("device.rssi"), lastMean(t, number(of?.lastRSSI, "dBm"), number(of?.averageRSSI, "dBm"))],
                [t("device.snr"), lastMean(t, number(of?.lastSNR, "dB"), number(of?.averageSNR, "dB"))],
                [t("device.sf"), of?.lastSF ? `SF${of.lastSF}` : "–"],
                [t("device.per"), lastMean(t, percent(of?.lastInstantPER), percent(of?.lastMeanPER))],
                [
                  t("device.battery"),
                  of?.lastBatteryLevel === undefined ? (
                    "–"
                  ) : (
                    <Group key="b" gap="xs" wrap="nowrap">
                      <Progress
                        value={of.lastBatteryLevel}
                        w={90}
                        color={of.lastBatteryLevel < 10 ? "red" : of.lastBatteryLevel < 30 ? "orange" : "veld"}
                        aria-label={t("device.battery")}
                      />
                      <span>{of.lastBatteryLevel} %</span>
                      <Text span size="xs" c="dimmed">
                        <Time at={of.lastBatteryLevelTime} short />
                      </Text>
                    </Group>
                  ),
                ],
              ]}
            />
          </Panel>
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 6 }}>
        <Stack>
          <Panel title={t("device.what")}>
            <Facts
              items={[
                [
                  t("device.profile"),
                  profiles.find((one) => one.id === device.deviceProfileId)?.name ?? device.deviceProfileId,
                ],
                [t("device.manufacturer"), device.commercialDetails?.manufacturerName],
                [t("device.class"), of?.loraClass ?? device.deviceClass],
                [t("device.activation"), device.activationType],
                ["JoinEUI", device.applicationEUI ? <Mono key="j">{device.applicationEUI}</Mono> : "–"],
                [t("device.plan"), plan?.name ?? t("device.noPlan")],
                [t("device.routing"), route?.name ?? t("device.noRouting")],
                [t("device.hsm"), device.hsmGroupId ?? t("device.noHsm")],
                [t("device.motion"), device.motionIndicator ? t(`motion.${device.motionIndicator}`) : "–"],
                [t("device.info"), device.administrativeInfo],
                [t("device.created"), <Time key="c" at={of?.creationTime} />],
                [
                  t("device.changed"),
                  <span key="l">
                    <Time at={of?.lastUpdateTime} /> · {of?.lastUpdateUser}
                  </span>,
                ],
              ]}
            />
          </Panel>
          <Place device={device} />
        </Stack>
      </Grid.Col>
    </Grid>
  );
}

function Diagnosis({ deviceRef }: { deviceRef: string }) {
  const { t, language } = useTexts();
  const found = useExplanation(deviceRef, language);
  return (
    <Panel title={t("device.diagnosis")}>
      {blocking(found) ? (
        <Problem error={found.error} />
      ) : !found.data ? (
        <Loading rows={2} />
      ) : (
        <Findings findings={found.data.findings} />
      )}
    </Panel>
  );
}

/** Where the device is, and which base stations hear it. */
function Place({ device }: { device: Schemas["Device"] }) {
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
  const spots = useMemo<Spot[]>(() => {
    const stations = new Map<string, Spot & { esp: number }>();
    for (const line of frames.data?.frames ?? []) {
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
    const all: Spot[] = [...stations.values()];
    if (device.geoLatitude !== undefined && device.geoLongitude !== undefined) {
      all.push({
        id: "device",
        latitude: device.geoLatitude,
        longitude: device.geoLongitude,
        kind: "device",
        label: device.name ?? "",
        color: healthColor[device.statistics?.healthState ?? ""] ?? "gray",
        to: [...stations.values()].map((station) => ({
          latitude: station.latitude,
          longitude: station.longitude,
          color: station.esp >= -100 ? "#2b9160" : station.esp >= -110 ? "#f08c00" : "#e03131",
          label: station.label,
        })),
      });
    }
    return all;
  }, [frames.data, device]);
  const edit = () => openDialog(t("device.place"), <PlaceForm device={device} />, { size: "lg" });
  return (
    <Panel
      title={t("device.place")}
      right={
        <IfMayChange>
          <Button size="compact-sm" variant="default" aria-haspopup="dialog" onClick={edit}>
            {t("common.edit")}
          </Button>
        </IfMayChange>
      }
    >
      {spots.length ? (
        <WorldMap label={t("device.place")} spots={spots} height={300} fit={`${device.ref}-${spots.length}`} />
      ) : (
        <Text size="sm" c="dimmed">
          {t("device.noPlace")}
        </Text>
      )}
    </Panel>
  );
}

function PlaceForm({ device }: { device: Schemas["Device"] }) {
  const t = useT();
  const { run } = useTell();
  const move = useMoveDevice(device.ref ?? "");
  const [latitude, setLatitude] = useState<number | string>(device.geoLatitude ?? "");
  const [longitude, setLongitude] = useState<number | string>(device.geoLongitude ?? "");
  const saved = useUnsaved(!same([latitude, longitude], [device.geoLatitude ?? "", device.geoLongitude ?? ""]));
  const save = async (north: number | null, east: number | null) => {
    const answer = await run(move.mutateAsync({ latitude: north, longitude: east }), t("device.placeSaved"));
    if (!answer) return;
    saved();
    closeDialogs();
  };
  const given = latitude !== "" && longitude !== "";
  const here: Spot[] = given
    ? [
        {
          id: "here",
          latitude: Number(latitude),
          longitude: Number(longitude),
          kind: "device",
          label: device.name ?? "",
          color: "veld",
        },
      ]
    : [];
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
      <Group grow align="flex-end">
        <NumberInput
          label={t("device.latitude")}
          value={latitude}
          onChange={setLatitude}
          min={-90}
          max={90}
          decimalScale={6}
        />
        <NumberInput
          label={t("device.longitude")}
          value={longitude}
          onChange={setLongitude}
          min={-180}
          max={180}
          decimalScale={6}
        />
      </Group>
      <Group justify="flex-end">
        {device.geoLatitude !== undefined && (
          <Button variant="subtle" color="red" onClick={() => void save(null, null)}>
            {t("device.placeTake")}
          </Button>
        )}
        <Button disabled={!given} onClick={() => void save(Number(latitude), Number(longitude))}>
          {t("common.save")}
        </Button>
      </Group>
    </Stack>
  );
}

/** The last value and the average, where there is one. */
function lastMean(t: Translate, last: string, mean: string): string {
  return mean === "–" ? last : t("device.lastMean", { last, mean });
}
