// Readings as columns and curves: one axis for each unit, one curve for each device and reading.
import type { Schemas } from "../../api/client";

export type Table = Schemas["ReadingTable"];
export type Field = Table["fields"][number];

/** A reading with its unit, as a column or a curve is called. */
export function titleOf({ name, unit }: Field): string {
  return unit ? `${name} (${unit})` : name;
}

/** Fields that have numbers, which a chart can show. */
export function numeric(table: Table): Field[] {
  return table.fields.filter((field) =>
    table.readings.some((row) => field.deviceRefs.includes(row.deviceRef) && typeof valueOf(row, field) === "number"),
  );
}

export function valueOf(row: Table["readings"][number], field: Field): unknown {
  return field.deviceRefs.includes(row.deviceRef) ? (row.values as Record<string, unknown>)[field.name] : undefined;
}

/** Names of the devices that have no reading among these. */
export function silent(table: Table): string[] {
  const heard = new Set(table.readings.map((row) => row.deviceRef));
  return table.devices.filter((device) => !heard.has(device.ref)).map((device) => device.name);
}

/** The chart of some fields: an axis for each unit, left and right in turn, those behind further out. */
export function chartOf(table: Table, fields: Field[], most = 4) {
  const units = [...new Set(fields.map((field) => field.unit ?? ""))].slice(0, most);
  const shown = fields.filter((field) => units.includes(field.unit ?? ""));
  const several = table.devices.length > 1;
  return {
    xAxis: { type: "time", splitLine: { show: false } },
    yAxis: units.map((unit, index) => ({
      type: "value",
      scale: true,
      name: unit,
      position: index % 2 ? "right" : "left",
      offset: Math.floor(index / 2) * 48,
      splitLine: { show: index === 0 },
    })),
    dataZoom: [{ type: "inside", filterMode: "none" }],
    grid: { left: 8, right: 16, top: 56, bottom: 8, containLabel: true },
    series: shown.flatMap((field) =>
      table.devices
        .filter((device) => field.deviceRefs.includes(device.ref))
        .map((device) => ({
          name: several ? `${device.name}: ${titleOf(field)}` : titleOf(field),
          type: "line",
          smooth: 0.2,
          yAxisIndex: units.indexOf(field.unit ?? ""),
          showSymbol: table.readings.length < 60,
          data: table.readings
            .filter((row) => row.deviceRef === device.ref && typeof valueOf(row, field) === "number")
            .map((row) => [row.time, valueOf(row, field)]),
        })),
    ),
  };
}
