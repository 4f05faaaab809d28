// Every text of the console comes from one catalogue; English is the first language, Dutch the second.
import { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from "react";
import { IntlMessageFormat } from "intl-messageformat";
import { en } from "./en";
import { nl } from "./nl";

export type Key = keyof typeof en;
export type Language = "en" | "nl";
export const languages: Record<Language, Record<Key, string>> = { en, nl };
export type Values = Record<string, string | number | boolean>;
export type Translate = (key: Key, values?: Values) => string;

const messages = new Map<string, IntlMessageFormat>();

/** Formats an ICU message: `{name}`, `{count, plural, one {# device} other {# devices}}`. Plurals need numbers. */
export function fill(template: string, values: Values = {}, language: Language = "en"): string {
  if (!template.includes("{")) return template;
  const key = `${language}:${template}`;
  let message = messages.get(key);
  if (!message)
    messages.set(key, (message = new IntlMessageFormat(template, language, undefined, { ignoreTag: true })));
  return String(message.format(values));
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
