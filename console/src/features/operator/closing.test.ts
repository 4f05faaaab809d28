import { describe, expect, it } from "vitest";
import { closesIn } from "./closing";

const cell = (south: number, west: number, size: number) => ({
  south,
  west,
  size,
  frames: 1,
  esp: -100,
  otherEsp: null,
});
const whole = [cell(50, 4, 4)];
const wide = { south: 47, west: -4, north: 56, east: 16 };
const middle = { south: 50.5, west: 1.5, north: 53.6, east: 8.8 };

describe("a map that closes in on cells", () => {
  it("goes on until cells get no finer", () => {
    const large = [cell(51.4, 4.8, 0.7), cell(52.1, 4.8, 0.7)];
    const small = [cell(52, 5, 0.2)];
    expect(closesIn(whole, false, large, wide)).toBe(true);
    expect(closesIn(large, true, small, middle)).toBe(true);
    expect(closesIn(small, true, [cell(52, 5, 0.15)], middle)).toBe(false);
  });
  it("waits for a view with all of them, and for cells", () => {
    expect(closesIn(whole, false, [cell(52, 5, 0.2)], null)).toBe(false);
    expect(closesIn(whole, false, [], wide)).toBe(false);
    expect(closesIn([cell(51.4, 4.8, 0.7)], true, [cell(51.5, 5, 0.1)], { ...middle, east: 5.2 })).toBe(false);
  });
});
