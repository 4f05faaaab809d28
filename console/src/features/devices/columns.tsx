// The columns of the list of devices.
import { Badge, Group, Text } from "@mantine/core";
import { HealthBadge, Mono, SeverityBadge, Time } from "../../components/basics";
import type { Column } from "../../components/DataTable";
import { number, percent } from "../../format";
import type { Translate } from "../../text";
import { worstAlarm, type Device } from "./model";
import { TextLink } from "../../components/links";

/** Keys of the columns that are hidden until somebody chooses others. */
export const hiddenAtFirst = (smallDesk: boolean) => [
  ...["rssi", "sf", "profile", "class"],
  ...(smallDesk ? ["packets", "battery", "connectivity"] : []),
];

function snrClass(snr: number | undefined) {
  return snr === undefined ? undefined : snr >= -8 ? "good" : snr >= -13 ? "fair" : "poor";
}

function NameAndTags({ device }: { device: Device }) {
  return (
    <>
      <TextLink
        to="/devices/$ref"
        params={{ ref: device.ref ?? "" }}
        inherit
        style={{ overflowWrap: "anywhere", minWidth: 120, display: "inline-block" }}
      >
        {device.name}
      </TextLink>
      {device.tags && device.tags.length > 0 && (
        <Group gap={4}>
          {device.tags.map((tag) => (
            <Badge key={tag} className="named" size="xs" variant="default" tt="none">
              {tag}
            </Badge>
          ))}
        </Group>
      )}
    </>
  );
}

function Addresses({ device }: { device: Device }) {
  return (
    <>
      <Mono>{device.EUI}</Mono>
      {device.networkAddress && (
        <Text size="xs" c="dimmed">
          <Mono>{device.networkAddress}</Mono>
        </Text>
      )}
    </>
  );
}

function WorstAlarm({ device }: { device: Device }) {
  const worst = worstAlarm(device);
  return worst ? (
    <SeverityBadge state={worst.state} count={worst.count} />
  ) : (
    <Text c="dimmed" size="sm">
      –
    </Text>
  );
}

function SpreadingFactor({ sf }: { sf: number | undefined }) {
  return sf ? <span className={sf >= 12 ? "poor" : sf === 11 ? "fair" : undefined}>SF{sf}</span> : <>–</>;
}

/** What a device is, and where it is found in lists. */
function identity(t: Translate): Column<Device>[] {
  return [
    { key: "name", title: t("device.name"), sort: "name", render: (d) => <NameAndTags device={d} /> },
    { key: "EUI", title: t("device.identifier"), sort: "deviceEUI", render: (d) => <Addresses device={d} /> },
    { key: "health", title: t("device.health"), render: (d) => <HealthBadge state={d.statistics?.healthState} /> },
    {
      key: "alarm",
      title: t("device.alarms"),
      sort: "alarm",
      mostFirst: true,
      render: (d) => <WorstAlarm device={d} />,
    },
  ];
}

/** What was measured of it. */
function measured(t: Translate): Column<Device>[] {
  return [
    {
      key: "lastUplink",
      title: t("device.lastUplink"),
      sort: "lastUplink",
      render: (d) => <Time at={d.statistics?.lastUplinkTime} short />,
    },
    {
      key: "packets",
      title: t("device.packets"),
      align: "right",
      value: (d) => d.statistics?.last24hUplinkCount,
      render: (d) => number(d.statistics?.last24hUplinkCount),
    },
    {
      key: "per",
      title: t("device.per"),
      align: "right",
      sort: "meanPER",
      mostFirst: true,
      render: (d) => percent(d.statistics?.lastMeanPER),
    },
    {
      key: "snr",
      title: t("device.snr"),
      align: "right",
      value: (d) => d.statistics?.averageSNR,
      render: (d) => (
        <span className={snrClass(d.statistics?.averageSNR)}>{number(d.statistics?.averageSNR, "dB")}</span>
      ),
    },
    {
      key: "sf",
      title: t("device.sf"),
      align: "right",
      value: (d) => d.statistics?.lastSF,
      render: (d) => <SpreadingFactor sf={d.statistics?.lastSF} />,
    },
    {
      key: "battery",
      title: t("device.battery"),
      align: "right",
      value: (d) => d.statistics?.lastBatteryLevel,
      render: (d) => (d.statistics?.lastBatteryLevel === undefined ? "–" : `${d.statistics.lastBatteryLevel} %`),
    },
  ];
}

/** `names` are those of plans and profiles, by their ids. */
export function columnsOf(t: Translate, names: Map<string, string>): Column<Device>[] {
  return [
    ...identity(t),
    ...measured(t),
    {
      key: "connectivity",
      title: t("device.connectivity"),
      render: (d) => (
        <>
          <Text size="sm" style={{ whiteSpace: "nowrap" }}>
            {names.get(d.connectivityPlanId ?? "") ?? t("device.noPlan")}
          </Text>
          <Text size="xs" c="dimmed">
            {d.shadow ? t("device.shadow") : (names.get(d.routingProfileId ?? "") ?? t("device.noRouting"))}
          </Text>
        </>
      ),
    },
    {
      key: "rssi",
      title: t("device.rssi"),
      align: "right",
      value: (d) => d.statistics?.averageRSSI,
      render: (d) => number(d.statistics?.averageRSSI, "dBm"),
    },
    {
      key: "profile",
      title: t("device.profile"),
      render: (d) => names.get(d.deviceProfileId ?? "") ?? d.deviceProfileId,
    },
    { key: "class", title: t("device.class"), render: (d) => d.statistics?.loraClass ?? d.deviceClass },
  ];
}
