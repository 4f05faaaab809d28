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

/** Ten shades around a colour, the eighth is the colour itself, as Mantine's themes have them. */
export function shadesOf(colour: string): string[] {
  const parts = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  const mix = (to: number, share: number) =>
    `#${parts
      .map((part) =>
        Math.round(part + (to - part) * share)
          .toString(16)
          .padStart(2, "0"),
      )
      .join("")}`;
  return [
    ...[0.92, 0.82, 0.66, 0.5, 0.36, 0.22, 0.1].map((share) => mix(255, share)),
    colour,
    mix(0, 0.2),
    mix(0, 0.38),
  ];
}
