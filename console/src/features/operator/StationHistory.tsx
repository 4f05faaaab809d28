// How a base station did over the last days: what was measured, and when it was away.
import { Grid, Group, SegmentedControl, Text } from "@mantine/core";
import { useMemo, useState } from "react";
import type { Schemas } from "../../api/client";
import { Panel, Time } from "../../components/basics";
import { Chart } from "../../components/Chart";
import { DataTable } from "../../components/DataTable";
import { trafficOption } from "../../components/traffic";
import { lasting, number, percent } from "../../format";
import { useT, type Translate } from "../../text";
import { useAvailability, useHistoryOf, useOutages } from "./api";

type Slot = Schemas["StationSlot"];

const DAY = 86_400_000;
const ranges = ["1", "7", "35"] as const;
const green = "#2b9160";
const orange = "#f08c00";
const red = "#e03131";
// Of refused downlinks, by their turn.
const others = [orange, "#1c7ed6", "#ae3ec9", red, "#0c8599", "#868e96"];

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
    </Panel>
  );
}

/** Charts of all that there is anything of. */
function chartsOf(slots: Slot[], days: number, t: Translate) {
  const now = Date.now();
  const time = { type: "time", splitLine: { show: false }, min: now - days * DAY, max: now + 1_800_000 };
  const line = (name: string, read: (slot: Slot) => number | null, color?: string) => ({
    name,
    type: "line",
    showSymbol: slots.length < 60,
    symbolSize: 5,
    ...(color ? { itemStyle: { color } } : {}),
    data: slots.map((slot) => [slot.date, read(slot)]),
  });
  const bars = (name: string, read: (slot: Slot) => number, color?: string) => ({
    name,
    type: "bar",
    stack: "all",
    barMaxWidth: 22,
    ...(color ? { itemStyle: { color } } : {}),
    data: slots.map((slot) => [slot.date, read(slot)]),
  });
  const share = (value: number | null) => (value === null ? null : Math.round(value * 100_000) / 1000);
  const millis = (value: number | null) => (value === null ? null : Math.round(value * 1000));
  const results = [...new Set(slots.flatMap((slot) => Object.keys(slot.downlinks)))].sort(
    (one, other) => Number(other === "SENT") - Number(one === "SENT") || one.localeCompare(other),
  );
  const bands = [...new Set(slots.flatMap((slot) => Object.keys(slot.dutyCycle)))].sort();
  const has = (read: (slot: Slot) => number | null) => slots.some((slot) => read(slot) !== null);
  const value = { type: "value", min: 0 };
  const count = { type: "value", minInterval: 1 };
  const scaled = { type: "value", scale: true };
  return [
    { title: t("history.traffic"), option: trafficOption(slots, t, days) },
    ...(slots.some((slot) => slot.packets)
      ? [
          {
            title: t("history.packets"),
            option: {
              xAxis: time,
              yAxis: count,
              series: [
                bars(t("history.good"), (slot) => slot.packets - slot.badPackets, green),
                bars(t("history.bad"), (slot) => slot.badPackets, orange),
              ],
            },
          },
        ]
      : []),
    ...(results.length
      ? [
          {
            title: t("history.downlinks"),
            option: {
              xAxis: time,
              yAxis: count,
              series: results.map((result, turn) =>
                bars(
                  result === "SENT" ? t("history.sent") : result,
                  (slot) => slot.downlinks[result] ?? 0,
                  result === "SENT" ? green : others[turn % others.length],
                ),
              ),
            },
          },
        ]
      : []),
    ...(bands.length
      ? [
          {
            title: `${t("history.dutyCycle")} (%)`,
            option: {
              xAxis: time,
              yAxis: value,
              series: bands.map((band) => line(band, (slot) => share(slot.dutyCycle[band] ?? 0))),
            },
          },
        ]
      : []),
    ...(has((slot) => slot.acknowledged)
      ? [
          {
            title: `${t("history.acknowledged")} (%)`,
            option: {
              xAxis: time,
              yAxis: { type: "value", max: 100, scale: true },
              series: [line(t("history.acknowledged"), (slot) => share(slot.acknowledged), green)],
            },
          },
        ]
      : []),
    ...(has((slot) => slot.roundTrip)
      ? [
          {
            title: `${t("history.roundTrip")} (ms)`,
            option: {
              xAxis: time,
              yAxis: value,
              series: [
                line(t("history.mean"), (slot) => millis(slot.roundTrip), green),
                line(t("history.highest"), (slot) => millis(slot.roundTripMax), orange),
              ],
            },
          },
        ]
      : []),
    ...(has((slot) => slot.clockOffset)
      ? [
          {
            title: `${t("history.clockOffset")} (ms)`,
            option: {
              xAxis: time,
              yAxis: scaled,
              series: [
                line(t("history.mean"), (slot) => millis(slot.clockOffset), green),
                line(t("history.lowest"), (slot) => millis(slot.clockOffsetMin)),
                line(t("history.highest"), (slot) => millis(slot.clockOffsetMax), orange),
              ],
            },
          },
        ]
      : []),
    ...(slots.some((slot) => slot.restarts)
      ? [
          {
            title: t("history.restarts"),
            option: {
              xAxis: time,
              yAxis: count,
              series: [bars(t("history.restarts"), (slot) => slot.restarts, orange)],
            },
          },
        ]
      : []),
    ...(has((slot) => slot.temperature)
      ? [
          {
            title: `${t("history.temperature")} (°C)`,
            option: {
              xAxis: time,
              yAxis: scaled,
              series: [
                line(t("history.mean"), (slot) => slot.temperature, green),
                line(t("history.lowest"), (slot) => slot.temperatureMin),
                line(t("history.highest"), (slot) => slot.temperatureMax, orange),
              ],
            },
          },
        ]
      : []),
  ];
}

/** How long it was connected, by days, and when it was not. */
export function StationAvailability({ id }: { id: string }) {
  const t = useT();
  const found = useAvailability(id);
  const outages = useOutages(id);
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
          {t("history.neverWatched")}
        </Text>
      ) : (
        <>
          <Group mb="sm" gap="xl">
            <Figure label={t("history.connected")} value={percent(found.data.connected, 2)} />
            <Figure label={t("history.outages")} value={number(found.data.outages)} />
          </Group>
          <Chart label={t("history.availability")} option={option} height={150} save />
          {(outages.data?.outages.length ?? 0) > 0 && (
            <DataTable
              label={t("history.outages")}
              rows={outages.data?.outages ?? []}
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
          )}
        </>
      )}
    </Panel>
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
