// Query parameters: which ones a screen has, of which kind. What cannot be read is left out.

type Reader<Value> = (text: string) => Value | undefined;
type Readers = Record<string, Reader<string | number>>;
/** The parameters that a screen has; each may be absent. */
export type SearchOf<All extends Readers> = { [Name in keyof All]?: NonNullable<ReturnType<All[Name]>> };

export const text: Reader<string> = (given) => given || undefined;

export function oneOf<const Word extends string>(...words: Word[]): Reader<Word> {
  return (given) => words.find((word) => word === given);
}

/** A number from 1, as of a page. */
export const count: Reader<number> = (given) => (/^[1-9]\d{0,5}$/.test(given) ? Number(given) : undefined);

export function read<All extends Readers>(readers: All, search: Record<string, unknown>): SearchOf<All> {
  const found: Record<string, string | number | undefined> = {};
  for (const [name, reader] of Object.entries(readers)) {
    const given = search[name];
    // Named also without a value, for the router puts what is here over what the address says.
    found[name] = typeof given === "string" || typeof given === "number" ? reader(String(given)) : undefined;
  }
  return found as SearchOf<All>;
}

/** Addresses hold plain text: an EUI of digits stays one. */
export function parseSearch(search: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(search));
}

export function stringifySearch(search: Record<string, unknown>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    if (typeof value === "number" || (typeof value === "string" && value !== "")) parameters.set(name, String(value));
  }
  const written = parameters.toString();
  return written ? `?${written}` : "";
}
