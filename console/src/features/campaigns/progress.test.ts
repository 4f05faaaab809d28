import { describe, expect, test } from "vitest";
import { began, counts, devEuis } from "./progress";

describe("campaigns", () => {
  test("devices are counted by what has become of them", () => {
    expect(counts({ pending: 2, receiving: 3, applied: 4, timedOut: 1, refused: 1 })).toEqual({
      all: 11,
      done: 4,
      underWay: 3,
      failed: 2,
      waiting: 2,
    });
    expect(counts({}).all).toBe(0);
  });

  test("one that was aborted before its start did not begin", () => {
    const startsAt = "2026-11-28T12:00:00.5Z";
    expect(began({ startsAt, endedAt: null })).toBe(true);
    expect(began({ startsAt, endedAt: "2026-11-28T13:00:00Z" })).toBe(true);
    expect(began({ startsAt, endedAt: "2026-11-28T12:00:00.1Z" })).toBe(false);
  });

  test("DevEUIs are found in lists and in CSV files, each once", () => {
    expect(devEuis("name,EUI\nLamp,0059ac0000000001\n0059AC0000000001;00-59-AC-00-00-00-00-02")).toEqual([
      "0059AC0000000001",
      "0059AC0000000002",
    ]);
    expect(devEuis("no 123 EUIs, 0059AC00000000010 is too long")).toEqual([]);
  });
});
