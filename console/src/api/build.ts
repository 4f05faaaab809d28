// Which build of the console this page is, and whether the server has another one by now.
import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
let served = "";

function own(): string {
  return document.querySelector<HTMLMetaElement>("meta[name=build]")?.content ?? "";
}

/** While several servers are updated one after the other, the page comes from one and answers from another: who has
 * reloaded it is not told again for so long. */
const patience = 15 * 60_000;
const key = "veldnet.builds";

type Told = Record<string, number>;

/** The builds that this tab was told of, and when. */
function read(): Told {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? "{}") as Told;
  } catch {
    return {};
  }
}

/** Those of pages before this one. */
let before = read();

function told(build: string): boolean {
  return Date.now() - (before[build] ?? 0) < patience;
}

/** Note the build that an answer of the server names. */
export function noteBuild(named: string | null): void {
  if (!named || named === served) return;
  served = named;
  if (isOutdated()) {
    const now = Date.now();
    try {
      sessionStorage.setItem(key, JSON.stringify({ ...read(), [own()]: now, [served]: now }));
    } catch {
      // A browser that stores nothing tells it again.
    }
  }
  for (const listener of listeners) listener();
}

/** Whether the server has been updated since the page was loaded: files of the page may be gone. */
export function isOutdated(): boolean {
  return own() !== "" && served !== "" && served !== own() && !told(served);
}

/** As a page that has just been loaded. */
export function forget(): void {
  served = "";
  before = read();
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
