import { describe, expect, it } from "vitest";
import { merge, type Line } from "./useFrames";

function line(id: string): Line {
  return { id } as Line;
}

describe("the logger's lines", () => {
  it("are in order, each once, and bounded", () => {
    const known = [line("30"), line("10")];
    expect(merge([line("20"), line("30"), line("100")], known, 10).map((one) => one.id)).toEqual([
      "100",
      "30",
      "20",
      "10",
    ]);
    expect(merge([line("40")], known, 2).map((one) => one.id)).toEqual(["40", "30"]);
  });

  it("show what is newer where a line comes again", () => {
    const [first] = merge([{ ...line("1"), deliveries: "OK" }], [line("1")], 5);
    expect(first?.deliveries).toBe("OK");
  });
});
