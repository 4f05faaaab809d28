// Levels of coverage: what a colour on the map means.

/** dBm ESP from which a level counts, the best first. */
export const levels = [
  { name: "good", from: -100, color: "#2b9160" },
  { name: "fair", from: -115, color: "#f08c00" },
  { name: "poor", from: -Infinity, color: "#e03131" },
] as const;

export function levelOf(esp: number): (typeof levels)[number] {
  return levels.find((level) => esp >= level.from) ?? levels[2];
}
