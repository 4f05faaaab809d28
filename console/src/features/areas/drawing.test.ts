import { describe, expect, it } from "vitest";
import { cornersOf, drawingOf, edgesOf, nothing, outlineOf, picked, shapeOf } from "./drawing";

describe("an area that is drawn", () => {
  it("is a circle where the map was clicked last", () => {
    const once = picked(nothing, 52.123_456_78, 5.1);
    expect(shapeOf(nothing)).toBeNull();
    expect(shapeOf(once)).toEqual({ circle: { latitude: 52.123_457, longitude: 5.1, radius: 500 } });
    expect(shapeOf({ ...once, radius: null })).toBeNull();
    expect(shapeOf(picked(once, 53, 6))?.circle?.latitude).toBe(53);
  });

  it("is a polygon of all corners that were clicked or typed", () => {
    const drawing = picked(picked({ ...nothing, kind: "polygon" }, 52, 5), 52, 5.1);
    expect(shapeOf(drawing)).toBeNull();
    expect(outlineOf(drawing, "A")[0]?.polygon).toHaveLength(2);
    const whole = picked(drawing, 52.1, 5.1);
    expect(shapeOf(whole)?.polygon).toHaveLength(3);
    expect(cornersOf("52, 5\n 52.5;-6 \n\n52 7")).toEqual([
      { latitude: 52, longitude: 5 },
      { latitude: 52.5, longitude: -6 },
      { latitude: 52, longitude: 7 },
    ]);
    expect(cornersOf("52, 5\nhere")).toBeNull();
  });

  it("comes from one that is stored, with the places that show all of it", () => {
    const stored = { ref: "1", name: "Depot", alarm: "BOTH", level: "MAJOR", tag: null } as const;
    const at = { lastUpdateTime: "", lastUpdateUser: "" };
    const circle = { latitude: 0, longitude: 5, radius: 111_195 };
    const round = { ...stored, ...at, circle, polygon: null };
    expect(shapeOf(drawingOf(round))).toEqual({ circle });
    expect(edgesOf(round)).toEqual([
      { latitude: -1, longitude: 4 },
      { latitude: 1, longitude: 6 },
    ]);
    const polygon = [1, 2, 3].map((each) => ({ latitude: each, longitude: each }));
    expect(shapeOf(drawingOf({ ...stored, ...at, circle: null, polygon }))).toEqual({ polygon });
  });
});
