// Texts with plurals and choices; it comes with the catalogue that has them, so that the sign-in form waits for neither.
import { IntlMessageFormat } from "intl-messageformat";
import type { Language, Values } from "./index";

const messages = new Map<string, IntlMessageFormat>();

/** Formats an ICU message: `{count, plural, one {# device} other {# devices}}`. Plurals need numbers. */
export function format(template: string, values: Values, language: Language): string {
  const key = `${language}:${template}`;
  let message = messages.get(key);
  if (!message)
    messages.set(key, (message = new IntlMessageFormat(template, language, undefined, { ignoreTag: true })));
  return String(message.format(values));
}
