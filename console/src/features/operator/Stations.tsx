import { useNavigate, useParams } from "@tanstack/react-router";
import { Alert, Badge, Button, Grid, Group, NumberInput, Progress, Stack, Text, TextInput } from "@mantine/core";
import { modals } from "@mantine/modals";
import { IconAntenna, IconPlus, IconTrash } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { $api, type Schemas } from "../../api/client";
import {
  Empty,
  Facts,
  IfMayChange,
  Loading,
  Mono,
  PageTitle,
  Panel,
  Problem,
  SeverityBadge,
  Time,
  blocking,
} from "../../components/basics";
import { Chart } from "../../components/Chart";
import { DataTable } from "../../components/DataTable";
import { WorldMap } from "../../components/Map";
import { useConfirm, useTell } from "../../components/notify";
import { number, percent } from "../../format";
import { isEui, plainHex } from "../../identifiers";
import { useDeleteStation, useSaveStation, useStations } from "./api";
import { useT } from "../../text";
import { openForm, same, useUnsaved } from "../../components/unsaved";
import { trafficOption } from "../../components/traffic";
import { FrameList } from "../logger/FrameList";
import { TextLink } from "../../components/links";

type Station = Schemas["StationView"];

export function Stations() {
  const t = useT();
  const navigate = useNavigate();
  const found = useStations();
  const unknown = $api.useQuery("get", "/api/v1/operator/baseStations/unknown", undefined, { refetchInterval: 5000 });
  const register = (eui?: string) => openForm(t("stations.new"), <StationForm eui={eui} />, "lg");
  return (
    <>
      <PageTitle title={t("nav.stations")} below={t("stations.below")}>
        <IfMayChange>
          <Button leftSection={<IconPlus size={16} />} onClick={() => register()}>
            {t("stations.new")}
          </Button>
        </IfMayChange>
      </PageTitle>
      <Stack>
        {(unknown.data?.length ?? 0) > 0 && (
          <Panel title={t("stations.unknown")}>
            <Text size="sm" c="dimmed" mb="xs">
              {t("stations.unknownText")}
            </Text>
            <DataTable
              label={t("stations.unknown")}
              rows={unknown.data ?? []}
              id={(row) => row.gatewayEUI}
              columns={[
                { key: "eui", title: "EUI", render: (row) => <Mono>{row.gatewayEUI}</Mono> },
                { key: "address", title: t("stations.address"), render: (row) => <Mono>{row.address}</Mono> },
                {
                  key: "count",
                  title: t("stations.datagrams"),
                  align: "right",
                  render: (row) => number(row.datagrams),
                },
                { key: "seen", title: t("stations.lastSeen"), render: (row) => <Time at={row.lastSeen} short /> },
                {
                  key: "do",
                  title: "",
                  align: "right",
                  render: (row) => (
                    <IfMayChange>
                      <Button size="compact-sm" onClick={() => register(row.gatewayEUI)}>
                        {t("stations.register")}
                      </Button>
                    </IfMayChange>
                  ),
                },
              ]}
            />
          </Panel>
        )}
        {blocking(found) ? (
          <Problem error={found.error} retry={() => void found.refetch()} />
        ) : !found.data ? (
          <Loading />
        ) : (
          <DataTable
            label={t("nav.stations")}
            rows={found.data}
            id={(row) => row.id}
            onOpen={(row) => void navigate({ to: "/operator/base-stations/$id", params: { id: row.id } })}
            empty={
              <Empty icon={IconAntenna} title={t("stations.none")} text={t("stations.noneText")}>
                <IfMayChange>
                  <Button onClick={() => register()}>{t("stations.new")}</Button>
                </IfMayChange>
              </Empty>
            }
            columns={[
              {
                key: "name",
                title: t("common.name"),
                value: (row) => row.name,
                render: (row) => (
                  <TextLink to="/operator/base-stations/$id" params={{ id: row.id }} inherit>
                    {row.name}
                  </TextLink>
                ),
              },
              {
                key: "id",
                title: "LRR ID",
                value: (row) => row.id,
                render: (row) => (
                  <>
                    <Mono>{row.id}</Mono>
                    <Text size="xs" c="dimmed">
                      <Mono>{row.gatewayEUI}</Mono>
                    </Text>
                  </>
                ),
              },
              {
                key: "state",
                title: t("alarms.state"),
                value: (row) => Number(row.connected),
                render: (row) => <Connected station={row} />,
              },
              {
                key: "seen",
                title: t("stations.lastSeen"),
                value: (row) => row.lastSeen,
                render: (row) => <Time at={row.lastSeen} short />,
              },
              {
                key: "frame",
                title: t("stations.lastFrame"),
                value: (row) => row.lastFrame,
                render: (row) => <Time at={row.lastFrame} short />,
              },
              {
                key: "load",
                title: t("stations.load"),
                value: (row) => row.load,
                render: (row) => <Load share={row.load} />,
              },
              {
                key: "crc",
                title: t("stations.badCrc"),
                align: "right",
                render: (row) => (row.packets ? percent(row.badPackets / row.packets) : "–"),
              },
              {
                key: "refused",
                title: t("stations.refused"),
                align: "right",
                value: (row) => row.refusedFrames,
                render: (row) => <Refused station={row} />,
              },
              {
                key: "alarms",
                title: t("device.alarms"),
                render: (row) => (
                  <Group gap={4}>
                    {row.duplicateEui.length > 0 && (
                      <Badge variant="light" color="red" tt="none">
                        {t("stations.duplicateShort")}
                      </Badge>
                    )}
                    {row.alarms.map((alarm) => (
                      <SeverityBadge key={alarm.alarmTypeId} state={alarm.alarmState} />
                    ))}
                  </Group>
                ),
              },
            ]}
          />
        )}
      </Stack>
    </>
  );
}

function Connected({ station }: { station: Station }) {
  const t = useT();
  return (
    <Badge variant="dot" color={station.connected ? "veld" : "red"} tt="none">
      {t(station.connected ? "stations.up" : station.lastSeen ? "stations.down" : "stations.never")}
    </Badge>
  );
}

function Refused({ station }: { station: Station }) {
  if (!station.refusedFrames) return <>0</>;
  return (
    <>
      <span className="poor">{number(station.refusedFrames)}</span>
      <Text size="xs" c="dimmed" maw={220} ml="auto" style={{ overflowWrap: "anywhere" }}>
        {station.lastRefusal}
      </Text>
    </>
  );
}

function Load({ share }: { share: number }) {
  const t = useT();
  return (
    <Group gap={6} wrap="nowrap">
      <Progress
        value={share * 100}
        w={70}
        color={share > 0.9 ? "red" : share > 0.7 ? "orange" : "veld"}
        aria-label={t("stations.load")}
      />
      <Text size="sm">{percent(share, 0)}</Text>
    </Group>
  );
}

export function StationPage() {
  const t = useT();
  const navigate = useNavigate();
  const confirm = useConfirm();
  const { run } = useTell();
  const { id } = useParams({ from: "/operator/base-stations/$id" });
  const found = useStations();
  const traffic = $api.useQuery("get", "/api/v1/operator/baseStations/{stationId}/statistics", {
    params: { path: { stationId: id }, query: { duration: 7, aggregationStep: 3 } },
  });
  const deletion = useDeleteStation(id);
  const option = useMemo(() => trafficOption(traffic.data ?? [], t, 7), [traffic.data, t]);
  if (blocking(found)) return <Problem error={found.error} />;
  if (!found.data) return <Loading />;
  const station = found.data.find((one) => one.id === id);
  if (!station) return <Empty icon={IconAntenna} title={t("notFound.title")} text={t("notFound.text")} />;
  const remove = () =>
    confirm(
      t("stations.removeTitle", { name: station.name }),
      t("stations.removeText"),
      t("common.delete"),
      () =>
        void run(deletion.mutateAsync(), t("stations.removed")).then((answer) => {
          if (!answer) return;
          void navigate({ to: "/operator/base-stations" });
        }),
    );
  const placed = station.latitude !== null && station.longitude !== null;
  return (
    <>
      <PageTitle
        title={station.name}
        below={
          <Group gap={8} mt={4}>
            <Mono>{station.id}</Mono>
            <Connected station={station} />
            {station.alarms.map((alarm) => (
              <SeverityBadge key={alarm.alarmTypeId} state={alarm.alarmState} />
            ))}
          </Group>
        }
      >
        <IfMayChange>
          <Button variant="default" onClick={() => openForm(t("common.edit"), <StationForm station={station} />, "lg")}>
            {t("common.edit")}
          </Button>
          <Button variant="subtle" color="red" leftSection={<IconTrash size={16} />} onClick={remove}>
            {t("common.delete")}
          </Button>
        </IfMayChange>
      </PageTitle>
      {station.duplicateEui.length > 0 && (
        <Alert color="red" mb="md" role="alert" title={t("stations.duplicate")}>
          {t("stations.duplicateText", { addresses: station.duplicateEui.join(", ") })}
        </Alert>
      )}
      {station.clockError !== null && (
        <Alert color="orange" mb="md">
          {t("stations.clock", { seconds: Math.abs(Math.round(station.clockError)) })}
        </Alert>
      )}
      <Grid>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Stack>
            <Panel title={t("stations.status")}>
              <Facts
                items={[
                  ["EUI", <Mono key="e">{station.gatewayEUI}</Mono>],
                  [t("stations.lastSeen"), <Time key="s" at={station.lastSeen} />],
                  [t("stations.upSince"), <Time key="u" at={station.upSince} />],
                  [t("stations.lastFrame"), <Time key="f" at={station.lastFrame} />],
                  [
                    t("stations.packets"),
                    station.packets
                      ? t("stations.packetsText", {
                          count: number(station.packets),
                          bad: percent(station.badPackets / station.packets),
                        })
                      : "–",
                  ],
                  [t("stations.refused"), number(station.refusedFrames)],
                  ...(station.lastRefusal
                    ? [
                        [
                          t("stations.lastRefusal"),
                          <span key="r">
                            {station.lastRefusal} · <Time at={station.lastRefusalAt} short />
                          </span>,
                        ] as [string, React.ReactNode],
                      ]
                    : []),
                  ...(station.irregularFrames
                    ? [
                        [
                          t("stations.irregular"),
                          <span key="i">
                            {number(station.irregularFrames)} · {station.lastIrregularity} ·{" "}
                            <Time at={station.lastIrregularityAt} short />
                          </span>,
                        ] as [string, React.ReactNode],
                      ]
                    : []),
                  [t("stations.backhaul"), percent(station.acknowledged)],
                  [t("stations.load"), <Load key="l" share={station.load} />],
                  [
                    t("stations.dutyCycle"),
                    Object.entries(station.dutyCycle as Record<string, number>)
                      .map(([band, share]) => `${band} ${percent(share, 2)}`)
                      .join(" · ") || "–",
                  ],
                ]}
              />
            </Panel>
            {station.alarms.length > 0 && (
              <Panel title={t("nav.alarms")}>
                {station.alarms.map((alarm) => (
                  <Group key={alarm.alarmTypeId} gap={8}>
                    <SeverityBadge state={alarm.alarmState} />
                    <Text size="sm">
                      {alarm.alarmType} {alarm.additionalInfos.join(" · ")}
                    </Text>
                  </Group>
                ))}
              </Panel>
            )}
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Panel title={t("device.place")}>
            {placed ? (
              <WorldMap
                label={t("device.place")}
                height={300}
                fit={id}
                spots={[
                  {
                    id,
                    latitude: station.latitude ?? 0,
                    longitude: station.longitude ?? 0,
                    kind: "station",
                    label: station.name,
                    color: station.connected ? "veld" : "red",
                  },
                ]}
              />
            ) : (
              <Text size="sm" c="dimmed">
                {t("stations.noPlace")}
              </Text>
            )}
          </Panel>
        </Grid.Col>
        <Grid.Col span={12}>
          <Panel title={t("stations.traffic")}>
            {traffic.data?.length ? (
              <Chart label={t("stations.traffic")} option={option} height={200} save />
            ) : (
              <Text size="sm" c="dimmed">
                {t("chart.nothing")}
              </Text>
            )}
          </Panel>
        </Grid.Col>
        <Grid.Col span={12}>
          <Panel title={t("device.frames")}>
            <FrameList fixed={{ baseStationId: id }} height={420} decode={false} />
          </Panel>
        </Grid.Col>
      </Grid>
    </>
  );
}

function StationForm({ station, eui }: { station?: Station; eui?: string }) {
  const t = useT();
  const { run } = useTell();
  const saving = useSaveStation(station?.id);
  const [gatewayEUI, setEui] = useState(station?.gatewayEUI ?? eui ?? "");
  const [name, setName] = useState(station?.name ?? "");
  const [latitude, setLatitude] = useState<number | string>(station?.latitude ?? "");
  const [longitude, setLongitude] = useState<number | string>(station?.longitude ?? "");
  const [altitude, setAltitude] = useState<number | string>(station?.altitude ?? "");
  const [power, setPower] = useState<number | string>(station?.maxTxPower ?? "");
  const [gain, setGain] = useState<number | string>(station?.antennaGain ?? "");
  const saved = useUnsaved(
    !same(
      [gatewayEUI, name, latitude, longitude, altitude, power, gain],
      [
        station?.gatewayEUI ?? eui ?? "",
        station?.name ?? "",
        ...[station?.latitude, station?.longitude, station?.altitude, station?.maxTxPower, station?.antennaGain].map(
          (given) => given ?? "",
        ),
      ],
    ),
  );
  const wrong = gatewayEUI !== "" && !isEui(plainHex(gatewayEUI));
  const value = (given: number | string) => (given === "" ? null : Number(given));
  const save = async () => {
    const body = {
      name,
      latitude: value(latitude),
      longitude: value(longitude),
      altitude: value(altitude),
      maxTxPower: value(power),
      antennaGain: value(gain),
    };
    const answer = await run(saving.mutateAsync({ ...body, gatewayEUI: plainHex(gatewayEUI) }), t("stations.saved"));
    if (!answer) return;
    saved();
    modals.closeAll();
  };
  const here =
    latitude !== "" && longitude !== ""
      ? [
          {
            id: "here",
            latitude: Number(latitude),
            longitude: Number(longitude),
            kind: "station" as const,
            label: name,
            color: "veld",
          },
        ]
      : [];
  return (
    <Stack>
      <TextInput
        label="EUI"
        value={gatewayEUI}
        onChange={(event) => setEui(event.currentTarget.value)}
        disabled={Boolean(station)}
        required
        error={wrong && t("check.eui")}
      />
      <TextInput
        label={t("common.name")}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        required
        maxLength={100}
        data-autofocus
      />
      <Group grow>
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
        <NumberInput label={t("stations.altitude")} value={altitude} onChange={setAltitude} suffix=" m" />
      </Group>
      <Group grow>
        <NumberInput
          label={t("stations.maxTxPower")}
          value={power}
          onChange={setPower}
          min={-10}
          max={36}
          decimalScale={0}
          suffix=" dBm"
        />
        <NumberInput
          label={t("stations.antennaGain")}
          value={gain}
          onChange={setGain}
          min={-10}
          max={30}
          decimalScale={1}
          suffix=" dBi"
          placeholder="2 dBi"
        />
      </Group>
      <WorldMap
        label={t("device.place")}
        spots={here}
        height={240}
        fit={station?.id}
        onPick={(north, east) => {
          setLatitude(Number(north.toFixed(5)));
          setLongitude(Number(east.toFixed(5)));
        }}
      />
      <Button onClick={() => void save()} disabled={!name.trim() || (!station && !isEui(plainHex(gatewayEUI)))}>
        {t("common.save")}
      </Button>
    </Stack>
  );
}
