// Every text of the console comes from one catalogue; English is the first language, Dutch the second. Only that of
// the reader is loaded, and not before there is more to show than the sign-in form.
import { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from "react";
import { IntlMessageFormat } from "intl-messageformat";
import type { en } from "./en";
import { first } from "./first";

export type Key = keyof typeof en | keyof typeof first.en;
export type Language = "en" | "nl";
export type Catalogue = Record<Key, string>;
export type Values = Record<string, string | number | boolean>;
export type Translate = (key: Key, values?: Values) => string;

const catalogues: Record<Language, () => Promise<Omit<Catalogue, keyof typeof first.en>>> = {
  en: () => import("./en").then((module) => module.en),
  nl: () => import("./nl").then((module) => module.nl),
};
/** What the page shows now. */
let current: { language: Language; texts: Partial<Catalogue>; whole: boolean } | null = null;

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

/** A text outside components. */
export function translate(key: Key, values?: Values): string {
  return fill(current?.texts[key] ?? key, values, current?.language);
}

interface Texts {
  t: Translate;
  language: Language;
  setLanguage: (language: Language, then?: () => void) => void;
}

const Context = createContext<Texts | null>(null);
const stored = "veldnet-language";

export function initialLanguage(): Language {
  const kept = localStorage.getItem(stored);
  if (kept === "en" || kept === "nl") return kept;
  return navigator.language.startsWith("nl") ? "nl" : "en";
}

/** Begins with the texts of the sign-in form in a language. */
export function beginTexts(language: Language): void {
  current = { language, texts: { ...first[language] }, whole: false };
  document.documentElement.lang = language;
}

/** Loads all texts of a language. */
export async function loadTexts(language: Language): Promise<void> {
  const texts = { ...first[language], ...(await catalogues[language]()) };
  current = { language, texts, whole: true };
  document.documentElement.lang = language;
}

/** What `load` brings, with all texts of the page's language. */
export async function withTexts<T>(load: () => Promise<T>): Promise<T> {
  const shown = current;
  const [loaded, more] = await Promise.all([load(), shown && !shown.whole ? catalogues[shown.language]() : null]);
  // Whoever shows texts already goes on with the same catalogue, which has more from now on.
  if (shown && more) {
    Object.assign(shown.texts, more);
    shown.whole = true;
  }
  return loaded;
}

export function TextProvider({ children }: { children: ReactNode }) {
  const [shown, show] = useState(current);
  const setLanguage = useCallback((wanted: Language, then?: () => void) => {
    void loadTexts(wanted).then(
      () => {
        localStorage.setItem(stored, wanted);
        show(current);
        then?.();
      },
      // Without the server the language stays; the page says that the server cannot be reached.
      () => {},
    );
  }, []);
  const value = useMemo<Texts>(() => {
    const { language, texts } = shown ?? { language: "en" as const, texts: {} };
    return { t: (key, values) => fill(texts[key] ?? key, values, language), language, setLanguage };
  }, [shown, setLanguage]);
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
