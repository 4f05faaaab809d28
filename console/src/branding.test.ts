import { expect, it } from "vitest";
import { branding, contrastOnDark, shadesOf } from "./branding";

it("has shades around a colour, light to dark", () => {
  const shades = shadesOf("#a01030");
  expect(shades).toHaveLength(10);
  expect(shades[7]).toBe("#a01030");
  expect(shades[0]).toBe("#f7ecee");
  expect(shades[9]).toBe("#630a1e");
  expect(branding.name).toBe("Veldnet");
});

it("has shades for the dark theme that can be read, of whatever colour", () => {
  for (const colour of ["#000000", "#7a1f5c", "#1f774d", "#0000ff", "#a01030", "#333333"]) {
    const shades = shadesOf(colour);
    for (const shade of shades.slice(0, 5)) expect([colour, contrastOnDark(shade) >= 4.5]).toEqual([colour, true]);
    expect(shades.slice(0, 5).map(contrastOnDark)).toEqual(
      shades
        .slice(0, 5)
        .map(contrastOnDark)
        .sort((a, b) => b - a),
    );
  }
});
