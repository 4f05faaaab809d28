// Name, logo and colour of the operator: the server writes them into the page.
interface Branding {
  name: string;
  colour: string;
  logo: boolean;
}

function read(): Branding {
  const ours = { name: "Veldnet", colour: "", logo: false };
  const written = document.querySelector<HTMLMetaElement>("meta[name=branding]")?.content;
  return written ? { ...ours, ...(JSON.parse(written) as Partial<Branding>) } : ours;
}

export const branding = read();
export const logo = branding.logo ? "/console/logo" : "/console/favicon.svg";

/** The title of the browser's tab. */
export function setTitle(title: string): void {
  document.title = `${title} – ${branding.name}`;
}

const partsOf = (colour: string) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = partsOf(colour)
    .map((part) => part / 255)
    .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** WCAG's contrast of a light colour on the cards of the dark theme. */
export function contrastOnDark(colour: string): number {
  return (luminance(colour) + 0.05) / (luminance("#2e2e2e") + 0.05);
}

/** Ten shades around a colour, the eighth is the colour itself, as Mantine's themes have them. The lightest five are
 * those of links and signs in the dark theme, where they can be read. */
export function shadesOf(colour: string): string[] {
  const parts = partsOf(colour);
  const mix = (to: number, share: number) =>
    `#${parts
      .map((part) =>
        Math.round(part + (to - part) * share)
          .toString(16)
          .padStart(2, "0"),
      )
      .join("")}`;
  const fifth =
    [0.36, 0.4, 0.44, 0.48, 0.52, 0.56, 0.6].find((share) => contrastOnDark(mix(255, share)) >= 4.6) ?? 0.64;
  const fourth = Math.max(0.5, fifth + 0.05);
  const third = Math.max(0.66, fourth + 0.05);
  return [
    ...[0.92, 0.82, third, fourth, fifth, 0.22, 0.1].map((share) => mix(255, share)),
    colour,
    mix(0, 0.2),
    mix(0, 0.38),
  ];
}
