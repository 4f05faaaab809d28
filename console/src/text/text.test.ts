import { TYPE, type MessageFormatElement } from "@formatjs/icu-messageformat-parser";
import { IntlMessageFormat } from "intl-messageformat";
import { describe, expect, it } from "vitest";
import { en } from "./en";
import { first } from "./first";
import { fill, type Key, type Language } from "./index";
import { nl } from "./nl";

const languages = { en: { ...first.en, ...en }, nl: { ...first.nl, ...nl } };
const sources = import.meta.glob<string>("../**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true });

/** The modules that come with the page, by what each imports. */
function withThePage(): string[] {
  const found = new Set<string>();
  const open = ["../main.tsx"];
  for (let path = open.pop(); path; path = open.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    for (const [, given = ""] of (sources[path] ?? "").matchAll(/^import (?!type)[^;]*?from "(\.[^"]*)"/gm)) {
      const base = new URL(given, `http://console/src/${path.slice(3)}`).pathname.replace("/src/", "../");
      const names = [base, `${base}.ts`, `${base}.tsx`, `${base}/index.ts`, `${base}/index.tsx`];
      open.push(...names.filter((name) => name in sources));
    }
  }
  return [...found];
}

describe("texts", () => {
  const named = (parts: MessageFormatElement[]): string[] =>
    parts.flatMap((part) => [
      ...("value" in part && part.type !== TYPE.literal ? [String(part.value)] : []),
      ...("options" in part ? Object.values(part.options).flatMap((option) => named(option.value)) : []),
    ]);

  it("of the sign-in form need no plurals, which come later", () => {
    for (const text of [...Object.values(first.en), ...Object.values(first.nl)]) {
      expect(text.replace(/\{\w+\}/g, "")).not.toMatch(/[{}]|''/);
    }
  });

  it("have the same arguments in both languages", () => {
    const names = (text: string, language: Language) =>
      [...new Set(named(new IntlMessageFormat(text, language, undefined, { ignoreTag: true }).getAst()))].sort();
    for (const key of Object.keys(languages.en) as Key[]) {
      expect([key, names(languages.nl[key], "nl")]).toEqual([key, names(languages.en[key], "en")]);
      expect(languages.nl[key].trim()).not.toBe("");
    }
    expect(fill("{a} of {b}", { a: 1, b: "two" })).toBe("1 of two");
  });

  it("of what comes with the page come with it, and no others", () => {
    const modules = withThePage();
    expect(modules).toContain("../features/account/SignIn.tsx");
    expect(modules).not.toContain("../Console.tsx");
    const all = modules.map((path) => sources[path] ?? "");
    const used = Object.keys(languages.en).filter((key) => all.some((source) => source.includes(`"${key}"`)));
    expect(used.sort()).toEqual(Object.keys(first.en).sort());
    expect(Object.keys(first.en).filter((key) => key in en)).toEqual([]);
  });

  it("have the form of their number, in both languages", () => {
    const count = (key: Key, value: number, more = false) =>
      (["en", "nl"] as const).map((language) => fill(languages[language][key], { count: value, more }, language));
    expect(count("network.customers", 1)).toEqual(["1 subscriber", "1 klant"]);
    expect(count("network.customers", 0)).toEqual(["0 subscribers", "0 klanten"]);
    expect(count("network.customers", 2)).toEqual(["2 subscribers", "2 klanten"]);
    expect(count("devices.count", 1)).toEqual(["1 device", "1 apparaat"]);
    expect(count("devices.count", 1234, true)).toEqual(["1,234+ devices", "1.234+ apparaten"]);
    expect(count("devices.bulkFailed", 2)).toEqual([
      "2 devices could not be changed:",
      "2 apparaten konden niet worden gewijzigd:",
    ]);
  });

  it("never put one form behind every number", () => {
    // An argument that is no plural, followed by a word in the plural.
    for (const [language, plural] of [
      ["en", /\{(?:count|rows|days|hours|customers|total)\} (?:\w+ )?\w{3,}s\b/],
      ["nl", /\{(?:count|rows|days|hours|customers|total)\} (?!niet verbonden|verbroken)(?:\w+ )?\w{3,}(?:en|s)\b/],
    ] as const) {
      const counts = Object.entries(languages[language]).filter(([, text]) => plural.test(text));
      expect(counts.map(([key]) => key).filter((key) => key !== "import.first")).toEqual([]);
    }
  });
});
