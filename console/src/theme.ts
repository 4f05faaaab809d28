// One visual language: the green of fields, calm greys, and the colours of alarms as ThingPark has them.
import { createTheme, type MantineColorsTuple } from "@mantine/core";
import { branding, shadesOf } from "./branding";

const veld: MantineColorsTuple = [
  "#eefaf3",
  "#d8f2e3",
  "#b0e4c7",
  "#84d4a8",
  "#5fc68e",
  "#3fae74",
  "#2b9160",
  "#1f774d",
  "#185f3e",
  "#114a30",
];

export const theme = createTheme({
  primaryColor: "veld",
  primaryShade: { light: 7, dark: 7 },
  colors: { veld: branding.colour ? (shadesOf(branding.colour) as unknown as MantineColorsTuple) : veld },
  defaultRadius: "md",
  cursorType: "pointer",
  fontFamily: "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', sans-serif",
  fontFamilyMonospace: "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace",
  headings: { fontWeight: "650" },
  respectReducedMotion: true,
  components: {
    // Fields beside each other stand in one line, whatever the help below each.
    InputWrapper: { defaultProps: { inputWrapperOrder: ["label", "input", "description", "error"] } },
    Badge: { defaultProps: { tt: "none" } },
    // A menu holds items alone: the first one gets the focus.
    Menu: { defaultProps: { withInitialFocusPlaceholder: false } },
  },
});

/** Where help stands above what it is about: a choice of several lines, or a field with a button at its side. */
export const helpFirst: ("label" | "description" | "input" | "error")[] = ["label", "description", "input", "error"];

export type Severity = "CLEARED" | "UNCLEARED" | "WARNING" | "MINOR" | "MAJOR" | "CRITICAL";

/** Colours of alarms by their state. */
export const severityColor: Record<Severity, string> = {
  CLEARED: "green",
  UNCLEARED: "violet",
  WARNING: "blue",
  MINOR: "yellow",
  MAJOR: "orange",
  CRITICAL: "red",
};

export const healthColor: Record<string, string> = { ACTIVE: "veld", INIT: "gray", RF_CNX_ERROR: "red" };

/** Bounds of colours of radio figures, ThingPark's. */
export function snrColor(snr: number): string {
  return snr >= -8 ? "veld" : snr >= -13 ? "orange" : "red";
}

export function espColor(esp: number): string {
  return esp >= -100 ? "veld" : esp >= -110 ? "orange" : "red";
}

export function sfColor(sf: number): string {
  return sf <= 10 ? "veld" : sf === 11 ? "orange" : "red";
}
