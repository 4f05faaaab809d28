import { describe, expect, it } from "vitest";
import { extent } from "./extent";

describe("the extent of a group on the map", () => {
  it("holds devices at the edges of the area that they are counted in", () => {
    const [southWest, northEast] = extent({ latitude: -12.45, longitude: 5.15, ref: null });
    expect(southWest?.latitude).toBeCloseTo(-12.5);
    expect(southWest?.longitude).toBeCloseTo(5.1);
    expect(northEast?.latitude).toBeCloseTo(-12.4);
    expect(northEast?.longitude).toBeCloseTo(5.2);
  });

  it("is the place of a device that is alone", () => {
    expect(extent({ latitude: 52.1, longitude: 5.1, ref: "7" })).toEqual([{ latitude: 52.1, longitude: 5.1 }]);
  });
});
