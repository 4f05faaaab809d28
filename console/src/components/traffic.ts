// Hourly totals as a chart.
import type { Schemas } from "../api/client";
import type { Translate } from "../text";

type Totals = Schemas["Totals"];

/** With `days`, the axis runs over as many days up to now. */
export function trafficOption(totals: Totals[], t: Translate, days?: number) {
  const bars = (name: string, read: (slot: Totals) => number, color: string) => ({
    name,
    type: "bar",
    stack: "frames",
    itemStyle: { color },
    barMaxWidth: 22,
    data: totals.map((slot) => [slot.date, read(slot)]),
  });
  return {
    xAxis: {
      type: "time",
      splitLine: { show: false },
      ...(days ? { min: Date.now() - days * 86_400_000, max: Date.now() + 1_800_000 } : {}),
    },
    yAxis: { type: "value", minInterval: 1 },
    series: [
      bars(t("chart.uplinks"), (slot) => slot.uplinks, "#2b9160"),
      bars(t("chart.downlinks"), (slot) => slot.downlinksSent, "#1c7ed6"),
      bars(t("chart.joins"), (slot) => slot.joins, "#ae3ec9"),
      bars(t("chart.failed"), (slot) => slot.downlinksFailed + slot.joinsRefused + slot.framesRefused, "#e03131"),
    ],
  };
}
