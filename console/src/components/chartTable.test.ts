import { describe, expect, it } from "vitest";
import { chartTable } from "./chartTable";

const noon = "2027-01-04T12:00:00.000Z";
const one = "2027-01-04T13:00:00.000Z";

describe("chartTable", () => {
  it("has a row for each moment and a column for each series", () => {
    const series = [
      {
        name: "RSSI",
        data: [
          [one, -101.5],
          [noon, null],
        ],
      },
      { name: "Good; bad", data: [{ value: [Date.parse(noon), 3], itemStyle: { color: "red" } }] },
    ];
    expect(chartTable({ series }, "Time").split("\r\n")).toEqual([
      'Time,RSSI,"Good; bad"',
      `${noon},,3`,
      `${one},-101.5,`,
      "",
    ]);
  });

  it("keeps all frames of one moment, and names that are no formulas", () => {
    const series = [
      {
        name: "=1+1",
        data: [
          [noon, 1],
          [noon, 2],
        ],
      },
    ];
    expect(chartTable({ series }, "Time").split("\r\n")).toEqual([`Time,'=1+1`, `${noon},1`, `${noon},2`, ""]);
  });

  it("has the header alone where there is nothing", () => {
    expect(chartTable({ series: [] }, "Time")).toBe("Time\r\n");
  });
});
