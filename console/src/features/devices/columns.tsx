// The columns of the list of devices.
import { Badge, Group, Text } from "@mantine/core";
import { HealthBadge, Mono, SeverityBadge, Time } from "../../components/basics";
import type { Column } from "../../components/DataTable";
import { number, percent } from "../../format";
import type { Translate } from "../../text";
import { worstAlarm, type Device } from "./model";
import { TextLink } from "../../components/links";

export const hiddenAtFirst = ["rssi", "sf", "profile", "class"];

function snrClass(snr: number | undefined) {
  return snr === undefined ? undefined : snr >= -8 ? "good" : snr >= -13 ? "fair" : "poor";
}

export function columnsOf(t: Translate, names: Map<string, string>): Column<Device>[] {
  return [
    {
      key: "name",
      title: t("device.name"),
      sort: "name",
      render: (d) => (
        <>
          <TextLink
            to="/devices/$ref"
            params={{ ref: d.ref ?? "" }}
            inherit
            style={{ overflowWrap: "anywhere", minWidth: 120, display: "inline-block" }}
          >
            {d.name}
          </TextLink>
          {d.tags && d.tags.length > 0 && (
            <Group gap={4}>
              {d.tags.map((tag) => (
                <Badge key={tag} size="xs" variant="default" tt="none">
                  {tag}
                </Badge>
              ))}
            </Group>
          )}
        </>
      ),
    },
    {
      key: "EUI",
      title: t("device.identifier"),
      sort: "deviceEUI",
      render: (d) => (
        <>
          <Mono>{d.EUI}</Mono>
          {d.networkAddress && (
            <Text size="xs" c="dimmed">
              <Mono>{d.networkAddress}</Mono>
            </Text>
          )}
        </>
      ),
    },
    { key: "health", title: t("device.health"), render: (d) => <HealthBadge state={d.statistics?.healthState} /> },
    {
      key: "alarm",
      title: t("device.alarms"),
      sort: "alarm",
      mostFirst: true,
      render: (d) => {
        const worst = worstAlarm(d);
        return worst ? (
          <SeverityBadge state={worst.state} count={worst.count} />
        ) : (
          <Text c="dimmed" size="sm">
            –
          </Text>
        );
      },
    },
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
      render: (d) =>
        d.statistics?.lastSF ? (
          <span className={d.statistics.lastSF >= 12 ? "poor" : d.statistics.lastSF === 11 ? "fair" : undefined}>
            SF{d.statistics.lastSF}
          </span>
        ) : (
          "–"
        ),
    },
    {
      key: "battery",
      title: t("device.battery"),
      align: "right",
      value: (d) => d.statistics?.lastBatteryLevel,
      render: (d) => (d.statistics?.lastBatteryLevel === undefined ? "–" : `${d.statistics.lastBatteryLevel} %`),
    },
    {
      key: "connectivity",
      title: t("device.connectivity"),
      render: (d) => (
        <>
          <Text size="sm" style={{ whiteSpace: "nowrap" }}>
            {names.get(d.connectivityPlanId ?? "") ?? t("device.noPlan")}
          </Text>
          <Text size="xs" c="dimmed">
            {names.get(d.routingProfileId ?? "") ?? t("device.noRouting")}
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
