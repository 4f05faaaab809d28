import { expect, it } from "vitest";
import { branding, shadesOf } from "./branding";

it("has shades around a colour, light to dark", () => {
  const shades = shadesOf("#a01030");
  expect(shades).toHaveLength(10);
  expect(shades[7]).toBe("#a01030");
  expect(shades[0]).toBe("#f7ecee");
  expect(shades[9]).toBe("#630a1e");
  expect(branding.name).toBe("Veldnet");
});
