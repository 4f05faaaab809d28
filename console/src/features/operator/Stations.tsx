import { useNavigate } from "@tanstack/react-router";
import { Badge, Box, Button, Group, Stack, Text } from "@mantine/core";
import { IconAntenna } from "@tabler/icons-react";
import { NewButton } from "../../components/actions";
import {
  Empty,
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
import type { Schemas } from "../../api/client";
import { DataTable, type Column } from "../../components/DataTable";
import { number, percent } from "../../format";
import { useFleetUpdates, useShares, useStations, useUnknownStations } from "./api";
import { FirmwarePanel } from "./Firmware";
import { StationForm } from "./StationForm";
import { StationProfiles } from "./StationProfiles";
import { Connected, Load, Refused } from "./StationSigns";
import { UpdateState } from "./StationUpdates";
import { UpdateForm } from "./UpdateForm";
import { useT, type Translate } from "../../text";
import { openDialog } from "../../components/dialogs";
import { TextLink } from "../../components/links";

type Station = Schemas["StationView"];

const register = (t: Translate, eui?: string) =>
  openDialog(t("stations.new"), <StationForm eui={eui} />, { size: "lg" });

export function Stations() {
  const t = useT();
  const fleet = useFleetUpdates();
  return (
    <>
      <PageTitle title={t("nav.stations")} below={t("stations.below")}>
        <IfMayChange>
          {fleet.data?.some((one) => one.contact) && (
            <Button
              variant="default"
              aria-haspopup="dialog"
              onClick={() => openDialog(t("updates.orderAll"), <UpdateForm />)}
            >
              {t("updates.orderAll")}
            </Button>
          )}
          <NewButton onClick={() => register(t)}>{t("stations.new")}</NewButton>
        </IfMayChange>
      </PageTitle>
      <Stack>
        <UnknownStations />
        <StationTable />
        <StationProfiles />
        <FirmwarePanel />
      </Stack>
    </>
  );
}

/** Base stations that have called, and that nobody has registered. */
function UnknownStations() {
  const t = useT();
  const { data } = useUnknownStations();
  if (!data?.length) return null;
  return (
    <Panel title={t("stations.unknown")}>
      <Text size="sm" c="dimmed" mb="xs">
        {t("stations.unknownText")}
      </Text>
      <DataTable
        label={t("stations.unknown")}
        rows={data}
        id={(row) => row.gatewayEUI}
        columns={[
          { key: "eui", title: "EUI", render: (row) => <Mono>{row.gatewayEUI}</Mono> },
          {
            key: "address",
            title: t("stations.address"),
            render: (row) => <Mono>{row.address}</Mono>,
          },
          {
            key: "count",
            title: t("stations.datagrams"),
            align: "right",
            render: (row) => number(row.datagrams),
          },
          {
            key: "seen",
            title: t("stations.lastSeen"),
            render: (row) => <Time at={row.lastSeen} short />,
          },
          {
            key: "do",
            title: "",
            align: "right",
            render: (row) => (
              <IfMayChange>
                <Button size="compact-sm" aria-haspopup="dialog" onClick={() => register(t, row.gatewayEUI)}>
                  {t("stations.register")}
                </Button>
              </IfMayChange>
            ),
          },
        ]}
      />
    </Panel>
  );
}

function StationTable() {
  const t = useT();
  const navigate = useNavigate();
  const found = useStations();
  const columns = useColumns();
  if (blocking(found)) return <Problem error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading />;
  return (
    <DataTable
      label={t("nav.stations")}
      rows={found.data}
      id={(row) => row.id}
      onOpen={(row) => void navigate({ to: "/operator/base-stations/$id", params: { id: row.id } })}
      empty={
        <Empty icon={IconAntenna} title={t("stations.none")} text={t("stations.noneText")}>
          <IfMayChange>
            <Button aria-haspopup="dialog" onClick={() => register(t)}>
              {t("stations.new")}
            </Button>
          </IfMayChange>
        </Empty>
      }
      columns={columns}
    />
  );
}

function useColumns(): Column<Station>[] {
  const t = useT();
  const shares = useShares();
  const shareOf = new Map(shares.data?.map((one) => [one.id, one.connected]));
  const fleet = useFleetUpdates();
  const updatesOf = new Map(fleet.data?.map((one) => [one.baseStationId, one]));
  return [
    {
      key: "name",
      title: t("common.name"),
      value: (row) => row.name,
      render: (row) => <Name station={row} />,
    },
    {
      key: "id",
      title: "LRR ID",
      value: (row) => row.id,
      render: (row) => <Ids station={row} />,
    },
    {
      key: "state",
      title: t("alarms.state"),
      value: (row) => Number(row.connected),
      render: (row) => <State station={row} />,
    },
    {
      key: "seen",
      title: t("stations.lastSeen"),
      value: (row) => row.lastSeen,
      render: (row) => <Seen station={row} />,
    },
    ...(updatesOf.size
      ? [
          {
            key: "cups",
            title: "CUPS",
            value: (row: Station) => updatesOf.get(row.id)?.contact?.at,
            render: (row: Station) => <AtCups found={updatesOf.get(row.id)} />,
          },
        ]
      : []),
    ...figures(t, shareOf),
  ];
}

function figures(t: Translate, shareOf: Map<string, number>): Column<Station>[] {
  return [
    {
      key: "available",
      title: t("history.available"),
      align: "right",
      value: (row) => shareOf.get(row.id),
      render: (row) => percent(shareOf.get(row.id), 2),
    },
    {
      key: "load",
      title: t("stations.load"),
      spare: true,
      value: (row) => row.load,
      render: (row) => <Load share={row.load} />,
    },
    {
      key: "crc",
      title: t("stations.badCrc"),
      align: "right",
      spare: true,
      render: (row) => (row.packets ? percent(row.badPackets / row.packets) : "–"),
    },
    {
      key: "refused",
      title: t("stations.refused"),
      align: "right",
      value: (row) => row.refusedFrames,
      render: (row) => <Refused station={row} />,
    },
  ];
}

function Name({ station }: { station: Station }) {
  return (
    <Box miw={120}>
      <TextLink to="/operator/base-stations/$id" params={{ id: station.id }} inherit>
        {station.name}
      </TextLink>
    </Box>
  );
}

function Ids({ station }: { station: Station }) {
  return (
    <>
      <Mono>{station.id}</Mono>
      <Text size="xs" c="dimmed">
        <Mono>{station.gatewayEUI}</Mono>
      </Text>
    </>
  );
}

function State({ station }: { station: Station }) {
  const t = useT();
  return (
    <Group gap={4}>
      <Connected station={station} />
      {station.duplicateEui.length > 0 && (
        <Badge variant="light" color="red" tt="none">
          {t("stations.duplicateShort")}
        </Badge>
      )}
      {station.alarms.map((alarm) => (
        <SeverityBadge key={alarm.alarmTypeId} state={alarm.alarmState} />
      ))}
    </Group>
  );
}

function Seen({ station }: { station: Station }) {
  const t = useT();
  return (
    <Box miw={84}>
      <Time at={station.lastSeen} short />
      {station.lastFrame && (
        <Text size="xs" c="dimmed">
          {t("stations.lastFrame")} <Time at={station.lastFrame} short />
        </Text>
      )}
    </Box>
  );
}

/** The version of its firmware, and how far its updates have come: the one that is furthest behind. */
function AtCups({ found }: { found: Schemas["StationUpdates"] | undefined }) {
  if (!found) return <>–</>;
  const states = found.updates.map((update) => update.state);
  const behind = (["failed", "overdue", "ordered", "fetched", "confirmed"] as const).find((state) =>
    states.includes(state),
  );
  return (
    <Group gap={6}>
      <Text size="sm">{found.contact?.package ?? found.contact?.station?.split(" ")[0] ?? "–"}</Text>
      {behind && <UpdateState state={behind} />}
    </Group>
  );
}
