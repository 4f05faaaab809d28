// Every text of the console comes from one catalogue; English is the first language, Dutch the second.
import { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from "react";
import { en } from "./en";
import { nl } from "./nl";

export type Key = keyof typeof en;
export type Language = "en" | "nl";
export const languages: Record<Language, Record<Key, string>> = { en, nl };
export type Values = Record<string, string | number>;
export type Translate = (key: Key, values?: Values) => string;

/**
 * Puts values in their places. `{name}` is the value; `{count|# device|# devices}` one of two forms after the
 * value, which stands where the form has `#`. A value that is formatted already is plural unless it is "1".
 */
export function fill(template: string, values: Values = {}, language: Language = "en"): string {
  return template.replace(/\{(\w+)(?:\|([^|}]*)\|([^|}]*))?\}/g, (whole, name: string, one?: string, other?: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    if (one === undefined || other === undefined) return String(value);
    const count = typeof value === "number" ? value : value.trim() === "1" ? 1 : Number.NaN;
    const form = new Intl.PluralRules(language).select(count) === "one" ? one : other;
    return form.replace("#", typeof value === "number" ? value.toLocaleString() : value);
  });
}

interface Texts {
  t: Translate;
  language: Language;
  setLanguage: (language: Language) => void;
}

const Context = createContext<Texts | null>(null);
const stored = "veldnet-language";

export function initialLanguage(): Language {
  const kept = localStorage.getItem(stored);
  if (kept === "en" || kept === "nl") return kept;
  return navigator.language.startsWith("nl") ? "nl" : "en";
}

export function TextProvider({ children }: { children: ReactNode }) {
  const [language, set] = useState<Language>(initialLanguage);
  const setLanguage = useCallback((wanted: Language) => {
    localStorage.setItem(stored, wanted);
    document.documentElement.lang = wanted;
    set(wanted);
  }, []);
  const value = useMemo<Texts>(
    () => ({ t: (key, values) => fill(languages[language][key] ?? key, values, language), language, setLanguage }),
    [language, setLanguage],
  );
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

export function useTexts(): Texts {
  const texts = useContext(Context);
  if (!texts) throw new Error("no texts");
  return texts;
}

export function useT(): Translate {
  return useTexts().t;
}
