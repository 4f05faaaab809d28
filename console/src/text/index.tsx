// Every text of the console comes from one catalogue; English is the first language, Dutch the second. Only that of
// the reader is loaded, and not before there is more to show than the sign-in form.
import { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from "react";
import type { en } from "./en";
import { first } from "./first";
import type { format as formatted } from "./messages";

export type Key = keyof typeof en | keyof typeof first.en;
export type Language = "en" | "nl";
export type Catalogue = Record<Key, string>;
export type Values = Record<string, string | number | boolean>;
export type Translate = (key: Key, values?: Values) => string;

type Behind = Omit<Catalogue, keyof typeof first.en>;

const files: Record<Language, () => Promise<Behind>> = {
  en: () => import("./en").then((module) => module.en),
  nl: () => import("./nl").then((module) => module.nl),
};

/** All texts of a language but the first, and what formats them. */
async function catalogue(language: Language): Promise<Behind> {
  const [texts, messages] = await Promise.all([files[language](), import("./messages")]);
  format = messages.format;
  return texts;
}

/** What the page shows now. */
let current: { language: Language; texts: Partial<Catalogue>; whole: boolean } | null = null;

let format: typeof formatted | null = null;

/** Fills the values into a text: an ICU message, or one with plain `{name}`s, as all of the sign-in form are. */
export function fill(template: string, values: Values = {}, language: Language = "en"): string {
  if (!template.includes("{")) return template;
  if (format) return format(template, values, language);
  return template.replace(/\{(\w+)\}/g, (_all, name: string) => String(values[name]));
}

/** A text outside components. */
export function translate(key: Key, values?: Values): string {
  return fill(current?.texts[key] ?? key, values, current?.language);
}

export interface Texts {
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
  const texts = { ...first[language], ...(await catalogue(language)) };
  current = { language, texts, whole: true };
  document.documentElement.lang = language;
}

/** What `load` brings, with all texts of the page's language. */
export async function withTexts<T>(load: () => Promise<T>): Promise<T> {
  const shown = current;
  const [loaded, more] = await Promise.all([load(), shown && !shown.whole ? catalogue(shown.language) : null]);
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
