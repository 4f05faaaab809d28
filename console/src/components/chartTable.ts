// What a chart shows, as a table.
import type { EChartsCoreOption } from "echarts/core";
import { csvCell } from "../download";

type Value = string | number | null | undefined;
type Point = [string | number, Value];

interface Series {
  name: string;
  data: (Point | { value: Point })[];
}

/** A CSV file with a row for each moment and a column for each series. A series that has several points at one moment, as with
 * frames, has a row for each. */
export function chartTable(option: EChartsCoreOption, time: string): string {
  const series = option.series as Series[];
  const rows = new Map<string, string[]>();
  series.forEach(({ data }, column) => {
    const seen = new Map<number, number>();
    for (const point of data) {
      const [at, value] = Array.isArray(point) ? point : point.value;
      const moment = new Date(at);
      const turn = seen.get(moment.getTime()) ?? 0;
      seen.set(moment.getTime(), turn + 1);
      const key = `${moment.toISOString()} ${String(turn).padStart(6, "0")}`;
      const row = rows.get(key) ?? [moment.toISOString(), ...series.map(() => "")];
      row[column + 1] = value === null || value === undefined ? "" : String(value);
      rows.set(key, row);
    }
  });
  const header = [time, ...series.map(({ name }) => name)];
  const lines = [...rows.entries()].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, row]) => row);
  return [header, ...lines, []].map((row) => row.map(csvCell).join(",")).join("\r\n");
}
