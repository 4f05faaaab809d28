import { describe, expect, it } from "vitest";
import { keysIn } from "./keys";

const key = "8F1CA24B6D0E93577A21C4F8B3D6E905";

describe("lists of keys", () => {
  it("are read in any order and form", () => {
    const text = [
      "DevEUI;JoinEUI;AppKey",
      `70B3D5E75E00A1F2;70B3D5E75E000001;${key.toLowerCase()}`,
      `${key}\t70-b3-d5-e7-5e-00-a1-f3`,
      `"70B3D5E75E00A1F4","${(key.match(/../g) ?? []).join(":")}"`,
    ].join("\r\n");
    expect([...keysIn(text)]).toEqual([
      ["70B3D5E75E00A1F2", key],
      ["70B3D5E75E00A1F3", key],
      ["70B3D5E75E00A1F4", key],
    ]);
  });

  it("are not guessed at", () => {
    for (const line of [key, "70B3D5E75E00A1F2", `70B3D5E75E00A1F2 ${key} ${key}`, `70B3D5E75E00A1F2 ${key.slice(1)}`])
      expect(keysIn(line).size).toBe(0);
  });
});
