import { Grid, Group, SegmentedControl, Select, Text, TextInput } from "@mantine/core";
import { useMemo } from "react";
import { $api } from "../../api/queries";
import { Loading, Panel, Problem, blocking } from "../../components/basics";
import { Chart } from "../../components/Chart";
import { useT } from "../../text";
import { useFilters } from "../../navigation";
import { optionsOf } from "./chartOptions";

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

/** The days and the form that somebody has chosen, as the address has them. */
function useChosen() {
  const [filters, setFilters] = useFilters("/devices/$ref");
  const own = rangeOf(filters.from, filters.to);
  const days = own?.days ?? Number(filters.days ?? 7);
  const form = filters.form === "frames" ? ("frames" as const) : ("slots" as const);
  const begin = useMemo(() => own?.begin ?? Date.now() - days * DAY, [own?.begin, days]);
  // Hours of a slot.
  const step = days <= 1 ? 1 : days <= 15 ? 3 : 24;
  return { filters, setFilters, own: own !== null, days, form, begin, end: begin + days * DAY, step };
}

type Chosen = ReturnType<typeof useChosen>;

function useMeasured(deviceRef: string, { form, begin, end, days, step }: Chosen) {
  const t = useT();
  const start = new Date(begin).toISOString();
  const path = { deviceRef };
  const totals = $api.useQuery("get", "/api/v1/devices/{deviceRef}/statistics", {
    params: { path, query: { startDate: start, duration: days, aggregationStep: step } },
  });
  const found = $api.useQuery(
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
  const levels = $api.useQuery("get", "/api/v1/devices/{deviceRef}/battery", {
    params: { path, query: { startDate: start, duration: days } },
  });
  const slots = useMemo(() => totals.data ?? [], [totals.data]);
  const frames = useMemo(() => found.data?.frames ?? [], [found.data]);
  const battery = useMemo(() => (levels.data ?? []).filter((level) => level.percent !== null), [levels.data]);
  const options = useMemo(
    () => optionsOf({ form, begin, end, slots, frames, battery }, t),
    [form, begin, end, slots, frames, battery, t],
  );
  const complete = totals.data !== undefined && (form !== "frames" || found.data !== undefined);
  return { totals, complete, slots, frames, battery, options };
}

export function DeviceCharts({ deviceRef }: { deviceRef: string }) {
  const t = useT();
  const chosen = useChosen();
  const { totals, complete, slots, frames, battery, options } = useMeasured(deviceRef, chosen);
  const { form, step } = chosen;
  if (blocking(totals)) return <Problem error={totals.error} retry={() => void totals.refetch()} />;
  if (!complete) return <Loading />;
  const charts = [
    ["packets", t("chart.packets")],
    ["levels", "RSSI · ESP (dBm)"],
    ["snr", "SNR (dB)"],
    ["per", `${t("device.per")} (%)`],
    ["factors", t("device.sf")],
    ["size", `${t("chart.payload")} (B)`],
    ...(battery.length ? [["battery", `${t("device.battery")} (%)`] as const] : []),
  ] as const;
  return (
    <>
      <Group mb="md" justify="space-between">
        <Choice {...chosen} />
        <Text size="sm" c="dimmed">
          {form === "frames" ? t("chart.framesText", { count: frames.length }) : t("chart.slotsText", { hours: step })}
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

function Choice({ filters, setFilters, own, days, form }: Chosen) {
  const t = useT();
  return (
    <Group>
      <Select
        aria-label={t("chart.range")}
        w={180}
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
  );
}
