import { describe, expect, it } from "vitest";
import { read } from "./components/NumberField";
import { bytes, exact, fixed, hex, localTime, number, percent, plain, relative, span, withQuery } from "./format";
import { isEui, isKey, plainHex, randomHex } from "./identifiers";
import { espColor, sfColor, snrColor } from "./theme";

describe("identifiers and numbers", () => {
  it("are taken as people type them", () => {
    expect(plainHex(" 70-b3:d5 e7 ")).toBe("70B3D5E7");
    expect(isEui("70B3D5E75E00A1F2")).toBe(true);
    expect(isEui("70B3D5E75E00A1FG")).toBe(false);
    expect(isKey(randomHex(16))).toBe(true);
    expect(new Set(Array.from({ length: 50 }, () => randomHex(16))).size).toBe(50);
    expect(hex("0a1b2c")).toBe("0A 1B 2C");
  });

  it("have their units, and a dash where there is none", () => {
    expect(number(-7.25, "dB")).toMatch(/^-7[.,]3 dB$/);
    expect([number(-0.04, "dB"), fixed(-0.004, 2), number(-0.06)]).toEqual(["0 dB", "0.00", "-0.1"]);
    expect(number(undefined)).toBe("–");
    expect(percent(0.1234)).toMatch(/^12[.,]3 %$/);
    expect(bytes(2048)).toMatch(/^2 KiB$/);
    expect(relative("2026-01-01T00:00:00Z", "en", Date.parse("2026-01-01T00:03:00Z"))).toBe("3 minutes ago");
    expect(withQuery("/x", { a: 1, b: "", c: undefined, d: false, e: "ü&" })).toBe("/x?a=1&e=%C3%BC%26");
  });

  it("are written as the language of the page does", () => {
    try {
      document.documentElement.lang = "nl";
      expect(number(1234.5)).toBe("1.234,5");
      expect([1234.5678, 0.1 + 0.2, "on", true, null].map(exact)).toEqual(["1234,5678", "0,3", "on", "true", "null"]);
      expect(localTime("2026-05-01T12:00:00Z")).toMatch(/^1 mei 2026/);
    } finally {
      document.documentElement.lang = "en";
    }
    expect(number(1234.5)).toBe("1,234.5");
  });
});

describe("colours", () => {
  it("are ThingPark's at their bounds", () => {
    expect([-8, -8.1, -13, -13.1].map(snrColor)).toEqual(["veld", "orange", "orange", "red"]);
    expect([-100, -100.1, -110, -110.1].map(espColor)).toEqual(["veld", "orange", "orange", "red"]);
    expect([10, 11, 12].map(sfColor)).toEqual(["veld", "orange", "red"]);
  });

  it("are numbers however far somebody has typed", () => {
    expect(["", "0", "0.", "0.0", "0.00", "0.001", "-", " ", 7].map(read)).toEqual([
      null,
      0,
      0,
      0,
      0,
      0.001,
      null,
      null,
      7,
    ]);
  });

  it("are spans in the language of the page", () => {
    expect(span("2_DAYS", "en")).toBe("2 days");
    expect(span("1_HOUR", "nl")).toBe("1 uur");
  });

  it("show values of decoders whatever they are", () => {
    expect(["text", 1.5, true, null, { a: [1] }, undefined].map(plain)).toEqual([
      "text",
      "1.5",
      "true",
      "null",
      '{"a":[1]}',
      "",
    ]);
  });
});
