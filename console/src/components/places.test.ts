import { describe, expect, it } from "vitest";
import { placeOf, turn, unwrapped } from "./places";

describe("a place of two fields", () => {
  it("is read with either decimal sign", () => {
    expect(placeOf("52,1", " -5.25 ")).toEqual({ latitude: 52.1, longitude: -5.25 });
    expect(placeOf(0, "0")).toEqual({ latitude: 0, longitude: 0 });
  });

  it.each([
    ["5", ""],
    ["5", undefined],
    ["-", "5"],
    ["5", "-"],
    ["abc", "5"],
    ["91", "5"],
    ["5", "180.1"],
    ["1,2,3", "5"],
    [Number.NaN, 5],
    [Number.POSITIVE_INFINITY, 5],
  ])("is none while they hold %s and %s", (latitude, longitude) => {
    expect(placeOf(latitude, longitude)).toBeNull();
  });
});

describe("places across the date line", () => {
  it("go on beyond it, as seen from the first", () => {
    const east = (...all: number[]) => unwrapped(all.map((longitude) => ({ longitude }))).map((at) => at.longitude);
    expect(east(179.9, -179.9, 179.5)).toEqual([179.9, expect.closeTo(180.1), 179.5]);
    expect(east(-179.9, 179.9)).toEqual([-179.9, expect.closeTo(-180.1)]);
    expect(east(5, 6, -70)).toEqual([5, 6, -70]);
    expect(east()).toEqual([]);
  });

  it("are picked as they are written", () => {
    expect([turn(181), turn(-181), turn(540), turn(180), turn(5.1)]).toEqual([-179, 179, -180, 180, 5.1]);
  });
});
