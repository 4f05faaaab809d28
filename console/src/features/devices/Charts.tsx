import { Grid, Group, SegmentedControl, Select, Text, TextInput } from "@mantine/core";
import { useMemo } from "react";
import { $api } from "../../api/client";
import { Loading, Panel, Problem, blocking } from "../../components/basics";
import { Chart } from "../../components/Chart";
import { useT } from "../../text";
import { trafficOption } from "../../components/traffic";
import { useFilters } from "../../navigation";

const DAY = 86_400_000;

/** A day of the viewer's zone, as date inputs want it. */
function day(at: number): string {
  const moment = new Date(at);
  return `${moment.getFullYear()}-${String(moment.getMonth() + 1).padStart(2, "0")}-${String(moment.getDate()).padStart(2, "0")}`;
}

/** A range of days that somebody has chosen, where its ends are in order. */
function rangeOf(from: string | undefined, to: string | undefined): { begin: number; days: number } | null {
  if (!from || !to || from > to) return null;
  const days = Math.round((Date.parse(to) - Date.parse(from)) / DAY) + 1;
  return { begin: new Date(`${from}T00:00`).getTime(), days: Math.min(Math.max(days, 1), 400) };
}

const ranges = ["1", "7", "15", "35", "90", "365"] as const;

export function DeviceCharts({ deviceRef }: { deviceRef: string }) {
  const t = useT();
  const [filters, setFilters] = useFilters("/devices/$ref");
  const own = rangeOf(filters.from, filters.to);
  const days = own?.days ?? Number(filters.days ?? 7);
  const form = filters.form === "frames" ? "frames" : "slots";
  const begin = useMemo(() => own?.begin ?? Date.now() - days * DAY, [own?.begin, days]);
  const start = new Date(begin).toISOString();
  const end = begin + days * DAY;
  const step = days <= 1 ? 1 : days <= 15 ? 3 : 24;
  const path = { deviceRef };
  const totals = $api.useQuery("get", "/api/v1/devices/{deviceRef}/statistics", {
    params: { path, query: { startDate: start, duration: days, aggregationStep: step } },
  });
  const frames = $api.useQuery(
    "get",
    "/api/v1/frames",
    {
      params: {
        query: {
          deviceRef,
          from: start,
          to: new Date(end).toISOString(),
          limit: 500,
          packetType: "UPLINK_DATA,UPLINK_MAC_DATA,UPLINK_MAC",
        },
      },
    },
    { enabled: form === "frames" },
  );
  const slots = useMemo(() => totals.data ?? [], [totals.data]);
  const points = useMemo(() => frames.data?.frames ?? [], [frames.data]);
  const battery = $api.useQuery("get", "/api/v1/devices/{deviceRef}/battery", {
    params: { path, query: { startDate: start, duration: days } },
  });
  const levels = useMemo(() => (battery.data ?? []).filter((level) => level.percent !== null), [battery.data]);
  const time = { type: "time", splitLine: { show: false }, min: begin, max: end };
  const options = useMemo(() => {
    const scatter = form === "frames";
    const curve = (
      name: string,
      ofSlot: (slot: (typeof slots)[number]) => number | null,
      ofFrame: (frame: (typeof points)[number]) => number | null,
    ) => ({
      name,
      type: scatter ? "scatter" : "line",
      symbolSize: scatter ? 5 : 6,
      showSymbol: scatter || slots.length < 40,
      smooth: 0.2,
      connectNulls: false,
      data: scatter
        ? points.map((frame) => [frame.time, ofFrame(frame)])
        : slots.map((slot) => [slot.date, ofSlot(slot)]),
    });
    const factors = ["SF7", "SF8", "SF9", "SF10", "SF11", "SF12", "other"];
    const zoom = [{ type: "inside", filterMode: "none" }];
    return {
      packets: { ...trafficOption(slots, t), xAxis: time, dataZoom: zoom },
      battery: {
        xAxis: time,
        yAxis: { type: "value", min: 0, max: 100 },
        dataZoom: zoom,
        series: [
          {
            name: t("device.battery"),
            type: "line",
            step: "end",
            data: levels.map((level) => [level.time, level.percent]),
          },
        ],
      },
      levels: {
        xAxis: time,
        yAxis: { type: "value", scale: true },
        dataZoom: zoom,
        series: [
          curve(
            "RSSI",
            (slot) => slot.rssi,
            (frame) => frame.rssi,
          ),
          curve(
            "ESP",
            (slot) => slot.esp,
            (frame) => frame.esp,
          ),
        ],
      },
      snr: {
        xAxis: time,
        yAxis: { type: "value", scale: true },
        dataZoom: zoom,
        series: [
          curve(
            "SNR",
            (slot) => slot.snr,
            (frame) => frame.snr,
          ),
        ],
      },
      per: {
        xAxis: time,
        yAxis: { type: "value", min: 0 },
        dataZoom: zoom,
        series: [
          {
            name: "PER",
            type: "line",
            areaStyle: { opacity: 0.15 },
            showSymbol: slots.length < 40,
            data: slots.map((slot) => [slot.date, slot.packetErrorRate === null ? null : slot.packetErrorRate * 100]),
          },
        ],
      },
      factors: scatter
        ? {
            xAxis: time,
            yAxis: { type: "value", min: 6, max: 13, interval: 1 },
            dataZoom: zoom,
            series: [
              {
                name: "SF",
                type: "scatter",
                symbolSize: 6,
                data: points.map((frame) => [frame.time, frame.sf]),
              },
            ],
          }
        : {
            xAxis: time,
            yAxis: { type: "value", minInterval: 1 },
            dataZoom: zoom,
            series: factors
              .filter((name) => slots.some((slot) => slot.spreadingFactors[name]))
              .map((name) => ({
                name,
                type: "bar",
                stack: "sf",
                barMaxWidth: 22,
                data: slots.map((slot) => [slot.date, slot.spreadingFactors[name] ?? 0]),
              })),
          },
      size: scatter
        ? {
            xAxis: time,
            yAxis: { type: "value", min: 0 },
            dataZoom: zoom,
            series: [
              {
                name: t("logger.size"),
                type: "scatter",
                symbolSize: 5,
                data: points.map((frame) => [frame.time, frame.size]),
              },
            ],
          }
        : {
            xAxis: time,
            yAxis: { type: "value", min: 0 },
            dataZoom: zoom,
            series: [
              {
                name: t("chart.up"),
                type: "bar",
                barMaxWidth: 22,
                data: slots.map((slot) => [slot.date, slot.uplinkBytes]),
              },
              {
                name: t("chart.down"),
                type: "bar",
                barMaxWidth: 22,
                data: slots.map((slot) => [slot.date, slot.downlinkBytes]),
              },
            ],
          },
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [slots, points, levels, form, t, begin, end]);
  if (blocking(totals)) return <Problem error={totals.error} retry={() => void totals.refetch()} />;
  if (!totals.data || (form === "frames" && !frames.data)) return <Loading />;
  const charts = [
    ["packets", t("chart.packets")],
    ["levels", "RSSI · ESP (dBm)"],
    ["snr", "SNR (dB)"],
    ["per", `${t("device.per")} (%)`],
    ["factors", t("device.sf")],
    ["size", `${t("chart.payload")} (B)`],
    ...(levels.length ? [["battery", `${t("device.battery")} (%)`] as const] : []),
  ] as const;
  return (
    <>
      <Group mb="md" justify="space-between">
        <Group>
          <Select
            aria-label={t("chart.range")}
            w={150}
            allowDeselect={false}
            value={own ? "own" : String(days)}
            onChange={(value) =>
              setFilters(
                value === "own"
                  ? { from: day(Date.now() - 6 * DAY), to: day(Date.now()) }
                  : { days: ranges.find((range) => range === value), from: undefined, to: undefined },
              )
            }
            data={[...ranges, "own"].map((range) => ({
              value: range,
              label:
                range === "own"
                  ? t("chart.own")
                  : range === "1"
                    ? t("chart.day")
                    : t("chart.days", { days: Number(range) }),
            }))}
          />
          {own && (
            <TextInput
              type="date"
              aria-label={t("logger.from")}
              value={filters.from}
              max={filters.to}
              onChange={(event) => setFilters({ from: event.currentTarget.value })}
            />
          )}
          {own && (
            <TextInput
              type="date"
              aria-label={t("logger.to")}
              value={filters.to}
              min={filters.from}
              onChange={(event) => setFilters({ to: event.currentTarget.value })}
            />
          )}
          <SegmentedControl
            aria-label={t("chart.form")}
            value={form}
            onChange={(value) => setFilters({ form: value === "frames" ? value : undefined })}
            data={[
              { value: "slots", label: t("chart.slots") },
              { value: "frames", label: t("chart.frames") },
            ]}
          />
        </Group>
        <Text size="sm" c="dimmed">
          {form === "frames" ? t("chart.framesText", { count: points.length }) : t("chart.slotsText", { hours: step })}
        </Text>
      </Group>
      {slots.length ? (
        <Grid>
          {charts.map(([name, title]) => (
            <Grid.Col key={name} span={{ base: 12, lg: 6 }}>
              <Panel title={title}>
                <Chart label={title} option={options[name]} save group={`device-${deviceRef}`} />
              </Panel>
            </Grid.Col>
          ))}
        </Grid>
      ) : (
        <Text c="dimmed" ta="center" py="xl">
          {t("chart.nothing")}
        </Text>
      )}
    </>
  );
}
