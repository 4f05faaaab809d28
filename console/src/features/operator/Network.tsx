import { useNavigate } from "@tanstack/react-router";
import { Alert, Badge, Grid, Group, SimpleGrid, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconAntenna, IconBuilding, IconCpu, IconFlag, IconMailX } from "@tabler/icons-react";
import { useMemo } from "react";
import { type Schemas } from "../../api/client";
import { $api } from "../../api/queries";
import {
  IfMayChange,
  Loading,
  PageTitle,
  Panel,
  Problem,
  SeverityBadge,
  Time,
  blocking,
} from "../../components/basics";
import { DataTable } from "../../components/DataTable";
import { WorldMap } from "../../components/Map";
import type { Spot } from "../../components/MapCanvas";
import { number } from "../../format";
import { useSession } from "../../session";
import { useStations } from "./api";
import { useT, type Key, type Translate } from "../../text";
import { WaitingDestinations } from "../undelivered/Undelivered";
import { Stat } from "../../components/Stat";
import { ButtonLink, TextLink } from "../../components/links";

type Overview = Schemas["NetworkOverview"];

export function Network() {
  const t = useT();
  const { user } = useSession();
  const found = $api.useQuery("get", "/api/v1/operator/overview", undefined, { refetchInterval: 5000 });
  if (blocking(found)) return <Problem error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading />;
  const of = found.data;
  return (
    <>
      <PageTitle title={t("nav.network")} below={user?.operator} />
      <Notices of={of} />
      <Figures of={of} />
      <WaitingDestinations waiting={of.destinations} />
      <Grid>
        <Grid.Col span={{ base: 12, lg: 7 }}>
          <StationMap />
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 5 }}>
          <Stack>
            <Alarms of={of} />
            <Server of={of} />
          </Stack>
        </Grid.Col>
      </Grid>
    </>
  );
}

/** What is wrong with the server, and what a new network lacks. */
function Notices({ of }: { of: Overview }) {
  const t = useT();
  return (
    <>
      {of.problems.length > 0 && (
        <Alert color="red" icon={<IconAlertTriangle size={20} />} mb="md" title={t("network.problems")}>
          {of.problems.map((text) => (
            <Text key={text} size="sm">
              {text}
            </Text>
          ))}
        </Alert>
      )}
      {(!of.baseStations || !of.subscribers || !of.devices) && (
        <IfMayChange>
          <Alert color="veld" icon={<IconFlag size={20} />} mb="md" title={t("firstSteps.title")}>
            <Group justify="space-between">
              <Text size="sm">{t("firstSteps.below")}</Text>
              <ButtonLink to="/operator/first-steps">{t("firstSteps.begin")}</ButtonLink>
            </Group>
          </Alert>
        </IfMayChange>
      )}
    </>
  );
}

function Figures({ of }: { of: Overview }) {
  const t = useT();
  const down = of.baseStations - of.connected;
  return (
    <SimpleGrid cols={{ base: 1, xs: 2, lg: 4 }} mb="md">
      <Stat
        icon={IconAntenna}
        label={t("nav.stations")}
        value={`${number(of.connected)} / ${number(of.baseStations)}`}
        to="/operator/base-stations"
        color={down ? "red" : "veld"}
        note={down ? t("network.down", { count: down }) : t(of.baseStations ? "network.allUp" : "network.noStation")}
      />
      <Stat
        icon={IconAntenna}
        label={t("network.unknown")}
        value={number(of.unknownBaseStations)}
        to="/operator/base-stations"
        color={of.unknownBaseStations ? "orange" : "veld"}
        note={t("network.unknownNote")}
      />
      <Stat
        icon={IconCpu}
        label={t("home.devices")}
        value={number(of.devices)}
        to="/operator/subscribers"
        color={of.disconnected ? "orange" : "veld"}
        note={t("network.devicesNote", { count: number(of.disconnected), customers: of.subscribers })}
      />
      <Stat
        icon={IconMailX}
        label={t("home.undelivered")}
        value={number(of.undelivered)}
        to="/operator/undelivered"
        color={of.undelivered ? "red" : "veld"}
        note={t("network.undeliveredNote")}
      />
    </SimpleGrid>
  );
}

function StationMap() {
  const t = useT();
  const navigate = useNavigate();
  const stations = useStations(10_000);
  const spots = useMemo<Spot[]>(
    () =>
      (stations.data ?? []).flatMap((station) =>
        station.latitude === null || station.longitude === null
          ? []
          : [
              {
                id: station.id,
                latitude: station.latitude,
                longitude: station.longitude,
                kind: "station" as const,
                label: `${station.name} (${station.id})`,
                color: station.connected ? (station.alarms.length ? "orange" : "veld") : "red",
                onClick: () => void navigate({ to: "/operator/base-stations/$id", params: { id: station.id } }),
              },
            ],
      ),
    [stations.data, navigate],
  );
  return (
    <Panel title={t("network.map")}>
      {spots.length ? (
        <WorldMap label={t("network.map")} spots={spots} height={380} fit={`${spots.length}`} />
      ) : (
        <Text size="sm" c="dimmed">
          {t("stations.noPlaces")}
        </Text>
      )}
    </Panel>
  );
}

/** The type of alarms of HSM modules; other parts of the installation are in the settings. */
const HSM_MODULE = 201;

/** Alarms of modules and of base stations, as rows of one table. */
function alarmRows(of: Overview, t: Translate) {
  return [
    ...of.moduleAlarms.map((alarm) => ({
      id: `${alarm.module}-${alarm.alarmTypeId}`,
      name: alarm.module,
      to: alarm.alarmTypeId === HSM_MODULE ? "/operator/hsm-groups" : "/operator/settings",
      state: alarm.alarmState,
      type: t(`alarmType.${alarm.alarmTypeId}` as Key),
      at: alarm.lastUpdateTime,
      infos: alarm.additionalInfos,
    })),
    ...of.baseStationAlarms.map((alarm) => ({
      id: `${alarm.baseStationId}-${alarm.alarmTypeId}`,
      name: alarm.name,
      to: `/operator/base-stations/${alarm.baseStationId}`,
      state: alarm.alarmState,
      type: t(`alarmType.${alarm.alarmTypeId}` as Key),
      at: alarm.lastUpdateTime,
      infos: alarm.additionalInfos,
    })),
  ];
}

function Alarms({ of }: { of: Overview }) {
  const t = useT();
  return (
    <Panel title={t("network.alarms")}>
      {!of.baseStationAlarms.length && !of.moduleAlarms.length ? (
        <Text size="sm" c="dimmed">
          {t("home.noAlarms")}
        </Text>
      ) : (
        <DataTable
          label={t("network.alarms")}
          minWidth={360}
          rows={alarmRows(of, t)}
          id={(row) => row.id}
          columns={[
            {
              key: "state",
              title: t("alarms.state"),
              render: (row) => <SeverityBadge state={row.state} />,
            },
            {
              key: "what",
              title: t("alarms.alarm"),
              render: (row) => (
                <>
                  <TextLink to={row.to} size="sm">
                    {row.name}
                  </TextLink>
                  <Text size="xs" c="dimmed">
                    {row.type} {row.infos.join(" · ")}
                  </Text>
                </>
              ),
            },
            {
              key: "at",
              title: t("alarms.updated"),
              render: (row) => <Time at={row.at} short />,
            },
          ]}
        />
      )}
    </Panel>
  );
}

function Server({ of }: { of: Overview }) {
  const t = useT();
  return (
    <Panel title={t("network.server")}>
      <Group>
        <Badge variant="default" tt="none">
          Veldnet {of.version}
        </Badge>
        <Badge variant="default" tt="none">
          {t("network.lag", { ms: Math.round(of.eventLoopLag * 1000) })}
        </Badge>
        <Badge variant="default" tt="none">
          {t("network.streams", { count: of.liveStreams })}
        </Badge>
        <Badge variant="default" tt="none" leftSection={<IconBuilding size={12} />}>
          {t("network.customers", { count: of.subscribers })}
        </Badge>
      </Group>
    </Panel>
  );
}
