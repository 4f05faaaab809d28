import { describe, expect, test } from "vitest";
import { counts, devEuis } from "./progress";

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

  test("DevEUIs are found in lists and in CSV files, each once", () => {
    expect(devEuis("name,EUI\nLamp,0059ac0000000001\n0059AC0000000001;00-59-AC-00-00-00-00-02")).toEqual([
      "0059AC0000000001",
      "0059AC0000000002",
    ]);
    expect(devEuis("no 123 EUIs, 0059AC00000000010 is too long")).toEqual([]);
  });
});
