// How a base station did over the last days: what was measured, and when it was away.
import { Grid, Group, SegmentedControl, Text } from "@mantine/core";
import { useMemo, useState } from "react";
import { Panel, Time } from "../../components/basics";
import { Chart } from "../../components/Chart";
import { DataTable } from "../../components/DataTable";
import { lasting, number, percent } from "../../format";
import { useT } from "../../text";
import { useAvailability, useHistoryOf, useOutages } from "./api";
import { StationChannels } from "./StationChannels";
import { chartsOf, green, orange, red } from "./stationCharts";

const ranges = ["1", "7", "35"] as const;

export function StationHistory({ id }: { id: string }) {
  const t = useT();
  const [range, setRange] = useState<(typeof ranges)[number]>("7");
  const days = Number(range);
  const slots = useHistoryOf(id, days);
  const charts = useMemo(() => chartsOf(slots.data ?? [], days, t), [slots.data, days, t]);
  return (
    <Panel
      title={t("history.title")}
      right={
        <SegmentedControl
          size="xs"
          aria-label={t("chart.range")}
          value={range}
          onChange={setRange}
          data={ranges.map((value) => ({
            value,
            label: value === "1" ? t("chart.day") : t("chart.days", { days: Number(value) }),
          }))}
        />
      }
    >
      {slots.data?.length === 0 ? (
        <Text size="sm" c="dimmed">
          {t("history.nothing")}
        </Text>
      ) : (
        <Grid>
          {charts.map(({ title, option }) => (
            <Grid.Col key={title} span={{ base: 12, lg: 6 }}>
              <Text size="sm" fw={600} mb={4}>
                {title}
              </Text>
              <Chart label={title} option={option} height={190} group="station" save />
            </Grid.Col>
          ))}
        </Grid>
      )}
      <StationChannels id={id} days={days} />
    </Panel>
  );
}

/** How long it was connected, by days, and when it was not. */
export function StationAvailability({ id, connectedOnce }: { id: string; connectedOnce: boolean }) {
  const t = useT();
  const found = useAvailability(id);
  const days = useMemo(() => found.data?.days ?? [], [found.data]);
  const option = useMemo(
    () => ({
      xAxis: { type: "time", splitLine: { show: false } },
      yAxis: { type: "value", min: 0, max: 100 },
      series: [
        {
          name: `${t("history.connected")} (%)`,
          type: "bar",
          barMaxWidth: 18,
          data: days.map((day) => ({
            value: [day.date, day.connected === null ? null : Math.round(day.connected * 10_000) / 100],
            itemStyle: { color: colour(day.connected) },
          })),
        },
      ],
    }),
    [days, t],
  );
  if (!found.data) return null;
  return (
    <Panel title={t("history.availability")}>
      {found.data.connected === null ? (
        <Text size="sm" c="dimmed">
          {t(connectedOnce ? "history.notWatched" : "history.neverWatched")}
        </Text>
      ) : (
        <>
          <Group mb="sm" gap="xl">
            <Figure label={t("history.connected")} value={percent(found.data.connected, 2)} />
            <Figure label={t("history.outages")} value={number(found.data.outages)} />
          </Group>
          <Chart label={t("history.availability")} option={option} height={150} save />
          <Outages id={id} />
        </>
      )}
    </Panel>
  );
}

function Outages({ id }: { id: string }) {
  const t = useT();
  const { data } = useOutages(id);
  if (!data?.outages.length) return null;
  return (
    <DataTable
      label={t("history.outages")}
      minWidth={320}
      rows={data.outages}
      id={(row) => row.began}
      columns={[
        { key: "began", title: t("history.began"), render: (row) => <Time at={row.began} short /> },
        {
          key: "ended",
          title: t("history.ended"),
          render: (row) => (row.ended === null ? t("history.stillAway") : <Time at={row.ended} short />),
        },
        {
          key: "seconds",
          title: t("history.length"),
          align: "right",
          render: (row) => lasting(row.seconds),
        },
      ]}
    />
  );
}

function Figure({ label, value }: { label: string; value: string }) {
  return (
    <div>
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      <Text fw={700} fz={24} lh={1.2}>
        {value}
      </Text>
    </div>
  );
}

function colour(connected: number | null): string {
  if (connected === null || connected >= 0.999) return green;
  return connected >= 0.95 ? orange : red;
}
