import { describe, expect, it } from "vitest";
import { levelOf } from "./coverage";

describe("levels of coverage", () => {
  it("are told by the signal", () => {
    expect([-60, -100, -100.1, -115, -130, Number.NaN].map((esp) => levelOf(esp).name)).toEqual([
      "good",
      "good",
      "fair",
      "fair",
      "poor",
      "poor",
    ]);
  });
});
