import { describe, expect, it } from "vitest";
import { anyMembers } from "../../api/client";
import { chartOf, numeric, silent, titleOf, valueOf, type Table } from "./readings";

const table: Table = {
  devices: [
    { ref: "1", EUI: "A", name: "Attic" },
    { ref: "2", EUI: "B", name: "Cellar" },
  ],
  fields: [
    { name: "temperature", unit: "°C", source: "NAME", deviceRefs: ["1", "2"] },
    { name: "humidity", unit: "%", source: "DECODER", deviceRefs: ["2"] },
    { name: "counter", unit: null, source: null, deviceRefs: ["1"] },
    { name: "state", unit: null, source: null, deviceRefs: ["1"] },
  ],
  readings: [
    { deviceRef: "2", time: "t3", frameId: "3", values: anyMembers({ temperature: 8, humidity: 70 }), error: null },
    {
      deviceRef: "1",
      time: "t2",
      frameId: "2",
      values: anyMembers({ temperature: 21, counter: 4, state: "on" }),
      error: null,
    },
    { deviceRef: "1", time: "t1", frameId: "1", values: anyMembers({}), error: "too short" },
  ],
  more: false,
};

describe("readings", () => {
  it("names the devices that have none", () => {
    const third = { ref: "3", EUI: "C", name: "Shed" };
    expect(silent({ ...table, devices: [...table.devices, third] })).toEqual(["Shed"]);
  });

  it("are columns with units, and curves where they are numbers", () => {
    expect(table.fields.map(titleOf)).toEqual(["temperature (°C)", "humidity (%)", "counter", "state"]);
    expect(numeric(table).map((field) => field.name)).toEqual(["temperature", "humidity", "counter"]);
    const [temperature, humidity] = table.fields;
    expect(temperature && table.readings.map((row) => valueOf(row, temperature))).toEqual([8, 21, undefined]);
    expect(humidity && table.readings.map((row) => valueOf(row, humidity))).toEqual([70, undefined, undefined]);
  });

  it("share an axis where they share a unit, whichever device they are of", () => {
    const { yAxis, series } = chartOf(table, numeric(table));
    expect(yAxis.map((axis) => `${axis.name} ${axis.position} ${axis.offset}`)).toEqual([
      "°C left 0",
      "% right 0",
      " left 48",
    ]);
    expect(series.map((one) => `${one.name} ${one.yAxisIndex}`)).toEqual([
      "Attic: temperature (°C) 0",
      "Cellar: temperature (°C) 0",
      "Cellar: humidity (%) 1",
      "Attic: counter 2",
    ]);
    expect(series[0]?.data).toEqual([["t2", 21]]);
  });

  it("have no more axes than fit", () => {
    expect(chartOf(table, numeric(table), 1).series.map((one) => one.yAxisIndex)).toEqual([0, 0]);
  });
});
