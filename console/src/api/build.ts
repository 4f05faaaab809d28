// Which build of the console this page is, and whether the server has another one by now.
import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
let served = "";

function own(): string {
  return document.querySelector<HTMLMetaElement>("meta[name=build]")?.content ?? "";
}

/** Note the build that an answer of the server names. */
export function noteBuild(named: string | null): void {
  if (!named || named === served) return;
  served = named;
  for (const listener of listeners) listener();
}

/** Whether the server has been updated since the page was loaded: files of the page may be gone. */
export function isOutdated(): boolean {
  return own() !== "" && served !== "" && served !== own();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useOutdated(): boolean {
  return useSyncExternalStore(subscribe, isOutdated);
}

/** What a page does with itself. */
export const page = { reload: () => window.location.reload() };
