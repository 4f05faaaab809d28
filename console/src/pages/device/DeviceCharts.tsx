import { Grid, Group, SegmentedControl, Select, Text } from "@mantine/core";
import { useMemo } from "react";
import { $api } from "../../api/client";
import { Loading, Panel, Problem } from "../../components/basics";
import { Chart } from "../../components/Chart";
import { useFilters } from "../../router";
import { useT } from "../../text";
import { trafficOption } from "../../traffic";

const ranges = ["1", "7", "15", "35", "90", "365"];

export function DeviceCharts({ deviceRef }: { deviceRef: string }) {
  const t = useT();
  const [filters, setFilters] = useFilters();
  const days = ranges.includes(filters.days ?? "") ? Number(filters.days) : 7;
  const form = filters.form === "frames" ? "frames" : "slots";
  const start = useMemo(() => new Date(Date.now() - days * 86_400_000).toISOString(), [days]);
  const step = days <= 1 ? 1 : days <= 15 ? 3 : 24;
  const path = { deviceRef };
  const totals = $api.useQuery("get", "/api/v1/devices/{deviceRef}/statistics", { params: { path, query: { startDate: start, duration: days, aggregationStep: step } } });
  const frames = $api.useQuery("get", "/api/v1/frames", { params: { query: { deviceRef, from: start, limit: 500, packetType: "UPLINK_DATA,UPLINK_MAC_DATA,UPLINK_MAC" } } }, { enabled: form === "frames" });
  const slots = useMemo(() => totals.data ?? [], [totals.data]);
  const points = useMemo(() => frames.data?.frames ?? [], [frames.data]);
  const time = { type: "time", splitLine: { show: false }, min: Date.now() - days * 86_400_000, max: Date.now() };
  const options = useMemo(() => {
    const scatter = form === "frames";
    const curve = (name: string, ofSlot: (slot: (typeof slots)[number]) => number | null, ofFrame: (frame: (typeof points)[number]) => number | null) => ({
      name,
      type: scatter ? "scatter" : "line",
      symbolSize: scatter ? 5 : 6,
      showSymbol: scatter || slots.length < 40,
      smooth: 0.2,
      connectNulls: false,
      data: scatter ? points.map((frame) => [frame.time, ofFrame(frame)]) : slots.map((slot) => [slot.date, ofSlot(slot)]),
    });
    const factors = ["SF7", "SF8", "SF9", "SF10", "SF11", "SF12", "other"];
    const zoom = [{ type: "inside", filterMode: "none" }];
    return {
      packets: { ...trafficOption(slots, t, days), dataZoom: zoom },
      levels: { xAxis: time, yAxis: { type: "value", scale: true }, dataZoom: zoom, series: [curve("RSSI", (slot) => slot.rssi, (frame) => frame.rssi), curve("ESP", (slot) => slot.esp, (frame) => frame.esp)] },
      snr: { xAxis: time, yAxis: { type: "value", scale: true }, dataZoom: zoom, series: [curve("SNR", (slot) => slot.snr, (frame) => frame.snr)] },
      per: { xAxis: time, yAxis: { type: "value", min: 0 }, dataZoom: zoom, series: [{ name: "PER", type: "line", areaStyle: { opacity: 0.15 }, showSymbol: slots.length < 40, data: slots.map((slot) => [slot.date, slot.packetErrorRate === null ? null : slot.packetErrorRate * 100]) }] },
      factors: scatter
        ? { xAxis: time, yAxis: { type: "value", min: 6, max: 13, interval: 1 }, dataZoom: zoom, series: [{ name: "SF", type: "scatter", symbolSize: 6, data: points.map((frame) => [frame.time, frame.sf]) }] }
        : { xAxis: time, yAxis: { type: "value", minInterval: 1 }, dataZoom: zoom, series: factors.filter((name) => slots.some((slot) => slot.spreadingFactors[name])).map((name) => ({ name, type: "bar", stack: "sf", barMaxWidth: 22, data: slots.map((slot) => [slot.date, slot.spreadingFactors[name] ?? 0]) })) },
      size: scatter
        ? { xAxis: time, yAxis: { type: "value", min: 0 }, dataZoom: zoom, series: [{ name: t("logger.size"), type: "scatter", symbolSize: 5, data: points.map((frame) => [frame.time, frame.size]) }] }
        : { xAxis: time, yAxis: { type: "value", min: 0 }, dataZoom: zoom, series: [{ name: t("chart.up"), type: "bar", barMaxWidth: 22, data: slots.map((slot) => [slot.date, slot.uplinkBytes]) }, { name: t("chart.down"), type: "bar", barMaxWidth: 22, data: slots.map((slot) => [slot.date, slot.downlinkBytes]) }] },
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [slots, points, form, t, days]);
  if (totals.error) return <Problem error={totals.error} retry={() => void totals.refetch()} />;
  if (!totals.data || (form === "frames" && !frames.data)) return <Loading />;
  const charts = [["packets", t("chart.packets")], ["levels", "RSSI · ESP (dBm)"], ["snr", "SNR (dB)"], ["per", `${t("device.per")} (%)`], ["factors", t("device.sf")], ["size", `${t("chart.payload")} (B)`]] as const;
  return (
    <>
      <Group mb="md" justify="space-between">
        <Group>
          <Select aria-label={t("chart.range")} w={150} allowDeselect={false} value={String(days)} onChange={(value) => setFilters({ days: value ?? undefined })} data={ranges.map((range) => ({ value: range, label: range === "1" ? t("chart.day") : t("chart.days", { days: range }) }))} />
          <SegmentedControl aria-label={t("chart.form")} value={form} onChange={(value) => setFilters({ form: value === "slots" ? undefined : value })} data={[{ value: "slots", label: t("chart.slots") }, { value: "frames", label: t("chart.frames") }]} />
        </Group>
        <Text size="sm" c="dimmed">{form === "frames" ? t("chart.framesText", { count: points.length }) : t("chart.slotsText", { hours: step })}</Text>
      </Group>
      {slots.length ? (
        <Grid>
          {charts.map(([name, title]) => (
            <Grid.Col key={name} span={{ base: 12, lg: 6 }}><Panel title={title}><Chart label={title} option={options[name]} save /></Panel></Grid.Col>
          ))}
        </Grid>
      ) : <Text c="dimmed" ta="center" py="xl">{t("chart.nothing")}</Text>}
    </>
  );
}
