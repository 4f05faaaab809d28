import { describe, expect, it } from "vitest";
import { around, locatedSpots, type Locations } from "./located";

const place = (lat: number, hRadius: number): Locations["locations"][number] => ({
  timestamp: 0,
  lat,
  lon: 5,
  alt: 0,
  hRadius,
  vRadius: 0,
  nVelocity: 0,
  eVelocity: 0,
  velocity: { speed: 0, direction: 0 },
  FCntUp: 1,
  id: String(lat),
  time: "2026-01-01T00:00:00Z",
  method: "TDOA",
  dilution: 1,
  baseStations: 4,
});

const found = (...locations: Locations["locations"]): Locations => ({
  allowed: true,
  algorithm: "BOTH",
  source: "NETWORK",
  problem: null,
  locations,
  methods: [],
});

describe("marks of where a device was located", () => {
  it("are the last place with its radius and the way there", () => {
    const [spot] = locatedSpots(found(place(52.2, 80.4), place(52.1, 60)), "Network");
    expect(spot).toMatchObject({ latitude: 52.2, radius: 80.4, label: "Network · ± 80 m" });
    expect(spot?.path).toEqual([{ latitude: 52.1, longitude: 5 }]);
  });

  it("are none without a place", () => {
    expect(locatedSpots(found(), "Network")).toEqual([]);
    expect(locatedSpots(undefined, "Network")).toEqual([]);
    expect(around(found())).toBeUndefined();
  });

  it("are what a map shows first", () => {
    const [low, high, ...places] = around(found(place(52.2, 1110), place(52.1, 60))) ?? [];
    expect(low?.latitude).toBeCloseTo(52.19);
    expect(high?.latitude).toBeCloseTo(52.21);
    expect(places).toHaveLength(2);
  });
});
