// Numbers with units, and times in the viewer's zone, as the language of the page writes them: a comma means something else in
// Dutch than in English.

/** The viewer's own form of the language of the page, such as British English, where there is one. */
function locale(): string {
  const language = document.documentElement.lang || "en";
  return navigator.languages.find((own) => own.split("-")[0] === language) ?? language;
}

/** One formatter for each locale: making one takes long. */
function kept<Format>(make: (locale: string) => Format): () => Format {
  const made = new Map<string, Format>();
  return () => {
    const name = locale();
    let found = made.get(name);
    if (!found) made.set(name, (found = make(name)));
    return found;
  };
}

/** What is rounded to zero has no sign. */
export function number(value: number | null | undefined, unit = "", digits = 1): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const text = value.toLocaleString(locale(), { maximumFractionDigits: digits, signDisplay: "negative" });
  return unit ? `${text} ${unit}` : text;
}

/** With all of its decimals. */
export function fixed(value: number, digits: number): string {
  const of = { minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay: "negative" } as const;
  return value.toLocaleString(locale(), of);
}

export function percent(share: number | null | undefined, digits = 1): string {
  return share === null || share === undefined ? "–" : `${number(share * 100, "", digits)} %`;
}

const local = kept((name) => new Intl.DateTimeFormat(name, { dateStyle: "medium", timeStyle: "medium" }));
const clock = kept((name) => new Intl.DateTimeFormat(name, { hour: "2-digit", minute: "2-digit", second: "2-digit" }));

export function localTime(iso: string): string {
  return local().format(new Date(iso));
}

/** The time of day, with milliseconds, as the logger shows it. */
export function clockTime(iso: string): string {
  const moment = new Date(iso);
  return `${clock().format(moment)}.${String(moment.getMilliseconds()).padStart(3, "0")}`;
}

export function utcTime(iso: string): string {
  return `${new Date(iso).toISOString().replace("T", " ").replace("Z", "")} UTC`;
}

const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

/** How long ago or ahead, in the language of the page. */
export function relative(iso: string, language: string, now = Date.now()): string {
  const seconds = (new Date(iso).getTime() - now) / 1000;
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  return new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(Math.round(seconds / size), unit);
}

export function bytes(count: number): string {
  return count < 1024
    ? `${count} B`
    : count < 1_048_576
      ? number(count / 1024, "KiB")
      : number(count / 1_048_576, "MiB");
}

/** A reading with all of its digits. Those of one column have the same form, so thousands are not grouped. */
export function exact(value: unknown): string {
  if (typeof value !== "number") return plain(value);
  return value.toLocaleString(locale(), { maximumSignificantDigits: 15, useGrouping: false });
}

/** A value of a decoder or a setting, whatever it is. */
export function plain(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

/** Octets of hexadecimal digits in pairs. */
export function hex(text: string): string {
  return text.toUpperCase().replace(/(..)(?=.)/g, "$1 ");
}

/** The address with parameters, absent ones left out. */
export function withQuery(
  path: string,
  parameters: Record<string, string | number | boolean | undefined | null>,
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== null && value !== "" && value !== false) query.set(name, String(value));
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/** A span of the API's, such as 2_DAYS, in the language of the page. */
export function span(word: string, language: string): string {
  const [count = "0", unit = "HOURS"] = word.split("_");
  return new Intl.NumberFormat(language, {
    style: "unit",
    unit: unit.startsWith("DAY") ? "day" : "hour",
    unitDisplay: "long",
  }).format(Number(count));
}

/** Seconds in the two largest units: `2 h 5 min`. */
export function lasting(seconds: number): string {
  const units: [string, number][] = [
    ["d", 86_400],
    ["h", 3600],
    ["min", 60],
    ["s", 1],
  ];
  const whole = Math.round(seconds);
  const first = units.findIndex(([, size]) => whole >= size);
  if (first < 0) return "0 s";
  let rest = whole;
  const parts: string[] = [];
  for (const [unit, size] of units.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count) parts.push(`${count} ${unit}`);
  }
  return parts.join(" ");
}
