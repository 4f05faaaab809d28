// What the charts of a base station's last days show.
import type { Schemas } from "../../api/client";
import type { ChartProps } from "../../components/ChartCanvas";
import { trafficOption } from "../../components/traffic";
import type { Key, Translate } from "../../text";

type Slot = Schemas["StationSlot"];

interface Titled {
  title: string;
  option: ChartProps["option"];
}

const DAY = 86_400_000;
export const green = "#2b9160";
export const orange = "#f08c00";
export const red = "#e03131";
// Of refused downlinks, by their turn.
const others = [orange, "#1c7ed6", "#ae3ec9", red, "#0c8599", "#868e96"];

const fromZero = { type: "value", min: 0 };
const count = { type: "value", minInterval: 1 };
const scaled = { type: "value", scale: true };

const share = (value: number | null) => (value === null ? null : Math.round(value * 100_000) / 1000);
const millis = (value: number | null) => (value === null ? null : Math.round(value * 1000));

interface Measure {
  title: Key;
  unit: string;
  yAxis: object;
  /** The first one tells whether there is anything of it. */
  curves: { name: Key; read: (slot: Slot) => number | null; color?: string }[];
}

const measures: Measure[] = [
  {
    title: "history.acknowledged",
    unit: "%",
    yAxis: { type: "value", max: 100, scale: true },
    curves: [{ name: "history.acknowledged", read: (slot) => share(slot.acknowledged), color: green }],
  },
  {
    title: "history.roundTrip",
    unit: "ms",
    yAxis: fromZero,
    curves: [
      { name: "history.mean", read: (slot) => millis(slot.roundTrip), color: green },
      { name: "history.highest", read: (slot) => millis(slot.roundTripMax), color: orange },
    ],
  },
  {
    title: "history.clockOffset",
    unit: "ms",
    yAxis: scaled,
    curves: [
      { name: "history.mean", read: (slot) => millis(slot.clockOffset), color: green },
      { name: "history.lowest", read: (slot) => millis(slot.clockOffsetMin) },
      { name: "history.highest", read: (slot) => millis(slot.clockOffsetMax), color: orange },
    ],
  },
  {
    title: "history.temperature",
    unit: "°C",
    yAxis: scaled,
    curves: [
      { name: "history.mean", read: (slot) => slot.temperature, color: green },
      { name: "history.lowest", read: (slot) => slot.temperatureMin },
      { name: "history.highest", read: (slot) => slot.temperatureMax, color: orange },
    ],
  },
];

function line(slots: Slot[], name: string, read: (slot: Slot) => number | null, color?: string) {
  return {
    name,
    type: "line",
    showSymbol: slots.length < 60,
    symbolSize: 5,
    ...(color ? { itemStyle: { color } } : {}),
    data: slots.map((slot) => [slot.date, read(slot)]),
  };
}

function bars(slots: Slot[], name: string, read: (slot: Slot) => number, color?: string) {
  return {
    name,
    type: "bar",
    stack: "all",
    barMaxWidth: 22,
    ...(color ? { itemStyle: { color } } : {}),
    data: slots.map((slot) => [slot.date, read(slot)]),
  };
}

function packets(slots: Slot[], xAxis: object, t: Translate): Titled[] {
  if (!slots.some((slot) => slot.packets)) return [];
  const series = [
    bars(slots, t("history.good"), (slot) => slot.packets - slot.badPackets, green),
    bars(slots, t("history.bad"), (slot) => slot.badPackets, orange),
  ];
  return [{ title: t("history.packets"), option: { xAxis, yAxis: count, series } }];
}

/** Downlinks by what became of them, those that were sent first. */
function downlinks(slots: Slot[], xAxis: object, t: Translate): Titled[] {
  const results = [...new Set(slots.flatMap((slot) => Object.keys(slot.downlinks)))].sort(
    (one, other) => Number(other === "SENT") - Number(one === "SENT") || one.localeCompare(other),
  );
  if (!results.length) return [];
  const series = results.map((result, turn) =>
    bars(
      slots,
      result === "SENT" ? t("history.sent") : result,
      (slot) => slot.downlinks[result] ?? 0,
      result === "SENT" ? green : others[turn % others.length],
    ),
  );
  return [{ title: t("history.downlinks"), option: { xAxis, yAxis: count, series } }];
}

function dutyCycle(slots: Slot[], xAxis: object, t: Translate): Titled[] {
  const bands = [...new Set(slots.flatMap((slot) => Object.keys(slot.dutyCycle)))].sort();
  if (!bands.length) return [];
  const series = bands.map((band) => line(slots, band, (slot) => share(slot.dutyCycle[band] ?? 0)));
  return [{ title: `${t("history.dutyCycle")} (%)`, option: { xAxis, yAxis: fromZero, series } }];
}

function restarts(slots: Slot[], xAxis: object, t: Translate): Titled[] {
  if (!slots.some((slot) => slot.restarts)) return [];
  const series = [bars(slots, t("history.restarts"), (slot) => slot.restarts, orange)];
  return [{ title: t("history.restarts"), option: { xAxis, yAxis: count, series } }];
}

function measured(slots: Slot[], xAxis: object, t: Translate): Titled[] {
  return measures
    .filter(({ curves }) => slots.some((slot) => curves[0]?.read(slot) != null))
    .map(({ title, unit, yAxis, curves }) => ({
      title: `${t(title)} (${unit})`,
      option: { xAxis, yAxis, series: curves.map(({ name, read, color }) => line(slots, t(name), read, color)) },
    }));
}

/** Charts of all that there is anything of. */
export function chartsOf(slots: Slot[], days: number, t: Translate): Titled[] {
  const now = Date.now();
  const time = { type: "time", splitLine: { show: false }, min: now - days * DAY, max: now + 1_800_000 };
  return [
    { title: t("history.traffic"), option: trafficOption(slots, t, days) },
    ...packets(slots, time, t),
    ...downlinks(slots, time, t),
    ...dutyCycle(slots, time, t),
    ...measured(slots, time, t),
    ...restarts(slots, time, t),
  ];
}
