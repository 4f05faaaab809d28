// Every text of the console comes from one catalogue; English is the first language, Dutch the second.
import { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from "react";
import { en } from "./en";
import { nl } from "./nl";

export type Key = keyof typeof en;
export type Language = "en" | "nl";
export const languages: Record<Language, Record<Key, string>> = { en, nl };
export type Translate = (key: Key, values?: Record<string, string | number>) => string;

export function fill(template: string, values: Record<string, string | number> = {}): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole));
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
    () => ({ t: (key, values) => fill(languages[language][key], values), language, setLanguage }),
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
