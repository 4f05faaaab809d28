// What the charts of a device show: of slots of time, or of each frame.
import type { Schemas } from "../../api/client";
import type { ChartProps } from "../../components/ChartCanvas";
import { trafficOption } from "../../components/traffic";
import type { Translate } from "../../text";

type Slot = Schemas["Totals"];
type Frame = Schemas["Line"];

export interface Measured {
  form: "slots" | "frames";
  begin: number;
  end: number;
  slots: Slot[];
  frames: Frame[];
  battery: Schemas["BatteryLevel"][];
}

const factors = ["SF7", "SF8", "SF9", "SF10", "SF11", "SF12", "other"];
const fromZero = { type: "value", min: 0 };
const scaled = { type: "value", scale: true };

/** A point for each frame. */
function dots(frames: Frame[], name: string, symbolSize: number, read: (frame: Frame) => number | null) {
  return { name, type: "scatter", symbolSize, data: frames.map((frame) => [frame.time, read(frame)]) };
}

/** A bar for each slot. */
function bars(slots: Slot[], name: string, read: (slot: Slot) => number, stack?: string) {
  return {
    name,
    type: "bar",
    ...(stack ? { stack } : {}),
    barMaxWidth: 22,
    data: slots.map((slot) => [slot.date, read(slot)]),
  };
}

/** What slots and frames both have: a line through slots, or a point for each frame. */
function level({ form, slots, frames }: Measured, name: string, value: "rssi" | "esp" | "snr") {
  if (form === "frames") return dots(frames, name, 5, (frame) => frame[value]);
  return {
    name,
    type: "line",
    symbolSize: 6,
    showSymbol: slots.length < 40,
    smooth: 0.2,
    connectNulls: false,
    data: slots.map((slot) => [slot.date, slot[value]]),
  };
}

function errorRate(slots: Slot[]) {
  return {
    name: "PER",
    type: "line",
    areaStyle: { opacity: 0.15 },
    showSymbol: slots.length < 40,
    data: slots.map((slot) => [slot.date, slot.packetErrorRate === null ? null : slot.packetErrorRate * 100]),
  };
}

function spreading({ form, slots, frames }: Measured) {
  if (form === "frames")
    return {
      yAxis: { type: "value", min: 6, max: 13, interval: 1 },
      series: [dots(frames, "SF", 6, (frame) => frame.sf)],
    };
  return {
    yAxis: { type: "value", minInterval: 1 },
    series: factors
      .filter((name) => slots.some((slot) => slot.spreadingFactors[name]))
      .map((name) => bars(slots, name, (slot) => slot.spreadingFactors[name] ?? 0, "sf")),
  };
}

function sizes({ form, slots, frames }: Measured, t: Translate) {
  if (form === "frames") return [dots(frames, t("logger.size"), 5, (frame) => frame.size)];
  return [
    bars(slots, t("chart.up"), (slot) => slot.uplinkBytes),
    bars(slots, t("chart.down"), (slot) => slot.downlinkBytes),
  ];
}

function charge(battery: Measured["battery"], name: string) {
  return { name, type: "line", step: "end", data: battery.map(({ time, percent }) => [time, percent]) };
}

/** The charts by their names. */
export function optionsOf(measured: Measured, t: Translate) {
  const { begin, end, slots, battery } = measured;
  const shown = (option: ChartProps["option"]): ChartProps["option"] => ({
    ...option,
    xAxis: { type: "time", splitLine: { show: false }, min: begin, max: end },
    dataZoom: [{ type: "inside", filterMode: "none" }],
  });
  return {
    packets: shown(trafficOption(slots, t)),
    battery: shown({ yAxis: { ...fromZero, max: 100 }, series: [charge(battery, t("device.battery"))] }),
    levels: shown({ yAxis: scaled, series: [level(measured, "RSSI", "rssi"), level(measured, "ESP", "esp")] }),
    snr: shown({ yAxis: scaled, series: [level(measured, "SNR", "snr")] }),
    per: shown({ yAxis: fromZero, series: [errorRate(slots)] }),
    factors: shown(spreading(measured)),
    size: shown({ yAxis: fromZero, series: sizes(measured, t) }),
  };
}
