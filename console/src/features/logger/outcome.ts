import type { Key, Translate } from "../../text";

/** What became of a frame, in a few words; what a newer server says stays as it is. */
export function outcomeText(outcome: string, t: Translate): string {
  const key = `outcome.${outcome}`;
  const found = t(key as Key);
  return found === key ? outcome.replaceAll("_", " ") : found;
}
