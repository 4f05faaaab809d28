import { describe, expect, it } from "vitest";
import { placeOf } from "./places";

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
