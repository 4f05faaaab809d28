// The server's API, typed by its own description. The browser's cookie says who asks; changes carry the page's token.
import createFetchClient, { type Middleware } from "openapi-fetch";
import { noteBuild } from "./build";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

/** An object whose members the API's description leaves open. */
export function anyMembers(members: object): Record<string, never> {
  return members as Record<string, never>;
}

/** A refusal of the server, in its own words. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly errorId?: string,
  ) {
    super(message);
  }
}

/** The server gave no answer. A change may have been carried out all the same. */
export class Unreachable extends Error {
  constructor(readonly change: boolean) {
    super("The server did not answer");
  }
}

/** What every request carries, and what the answers tell of the session and the connection. */
export const link = {
  csrfToken: "",
  /** The customer whom an operator's user works for. */
  customerId: "",
  /** The session has ended: true once the same person has signed in again, false if nobody did. */
  onExpired: (() => Promise.resolve(false)) as () => Promise<boolean>,
  onReachable: (() => {}) as (reachable: boolean) => void,
};

/** The answers that the console keeps, once it is loaded: the sign-in form keeps none. */
export const kept = { forget: () => {}, refresh: () => {} };

export function headers(method = "GET"): Record<string, string> {
  return {
    // What the server says is in the language of the page.
    "accept-language": document.documentElement.lang || "en",
    ...(method === "GET" ? {} : { "x-csrf-token": link.csrfToken }),
    ...(link.customerId ? { "x-subscriber": link.customerId } : {}),
  };
}

/** Turns an answer that is a refusal into an error. */
export async function refusalOf(response: Response): Promise<ApiError> {
  let message = response.statusText || `HTTP ${response.status}`;
  let errorId: string | undefined;
  try {
    const body: unknown = await response.clone().json();
    if (typeof body === "object" && body !== null) {
      if ("message" in body && typeof body.message === "string") message = body.message.replace(/^Bad request: /, "");
      if ("errorId" in body && typeof body.errorId === "string") errorId = body.errorId;
    }
  } catch {
    // Not ours; the status says enough.
  }
  return new ApiError(response.status, message, errorId);
}

/** How long an answer may take before the page shows that it waits, before it asks whether the server is there
 * at all, and before a question is given up. Changes may take longer: theirs is a time to be done in. A page that has
 * asked nothing for `quiet`, such as a form, asks whether the server is there. */
export const timeouts = { shown: 400, doubted: 2500, probe: 2500, reading: 15_000, changing: 90_000, quiet: 15_000 };

let heard = 0;

/** Whether the page is looked at and has heard nothing of the server for a while. */
export function isQuiet(): boolean {
  return document.visibilityState === "visible" && performance.now() - heard >= timeouts.quiet;
}

/** Requests that take their time, for the bar at the top. */
export const activity = {
  count: 0,
  listeners: new Set<() => void>(),
  add(by: number) {
    if (!by) return;
    this.count += by;
    for (const listener of this.listeners) listener();
  },
};

let asking: Promise<boolean> | null = null;

/** Whether the server is there: a small question that it answers at once. Nothing else tells that it is away: a
 * single request may fail of its own, as one that an extension of the browser blocks. */
export function probe(): Promise<boolean> {
  asking ??= fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(timeouts.probe) })
    .then(
      (response) => {
        noteBuild(response.headers.get("console-build"));
        return response.ok;
      },
      () => false,
    )
    .then((found) => {
      asking = null;
      heard = performance.now();
      link.onReachable(found);
      return found;
    });
  return asking;
}

async function attempt(request: Request): Promise<Response> {
  const change = request.method !== "GET";
  const limit = new AbortController();
  let shown = 0;
  const timers = [
    setTimeout(() => {
      shown = 1;
      activity.add(1);
    }, timeouts.shown),
    setTimeout(() => void probe(), timeouts.doubted),
    setTimeout(() => limit.abort(), change ? timeouts.changing : timeouts.reading),
  ];
  try {
    const response = await fetch(request, { signal: AbortSignal.any([request.signal, limit.signal]) });
    heard = performance.now();
    link.onReachable(true);
    noteBuild(response.headers.get("console-build"));
    return response;
  } catch (error) {
    if (request.signal.aborted) throw error;
    void probe();
    throw new Unreachable(change);
  } finally {
    timers.forEach(clearTimeout);
    activity.add(-shown);
  }
}

/** Asks the server. What an ended session keeps from being done is done once the person has signed in again. */
export async function reach(given: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const request = new Request(given, init);
  const again = request.clone();
  const response = await attempt(request);
  // Who is refused when signing in is told so by the form.
  const signingIn = /^\/api\/v1\/session(\/passkey)?$/.test(new URL(request.url).pathname);
  if (response.status !== 401 || signingIn || !(await link.onExpired())) return response;
  for (const [name, value] of Object.entries(headers(again.method))) again.headers.set(name, value);
  return attempt(again);
}

const ours: Middleware = {
  onRequest({ request }) {
    for (const [name, value] of Object.entries(headers(request.method))) request.headers.set(name, value);
    return request;
  },
  async onResponse({ response }) {
    if (response.ok) return response;
    throw await refusalOf(response);
  },
};

export const api = createFetchClient<paths>({ baseUrl: "/", fetch: reach });
api.use(ours);

/** A file to be sent as it is, such as CSV; the answer's text and headers. */
export async function postText(
  path: string,
  body: string,
  more: Record<string, string> = {},
): Promise<{ text: string; headers: Headers }> {
  const response = await reach(path, {
    method: "POST",
    body,
    headers: { ...headers("POST"), "content-type": "text/csv", ...more },
  });
  if (!response.ok) throw await refusalOf(response);
  return { text: await response.text(), headers: response.headers };
}

/** Send a file as it is. */
export async function postOctets(path: string, body: Blob): Promise<void> {
  const response = await reach(path, {
    method: "POST",
    body,
    headers: { ...headers("POST"), "content-type": "application/octet-stream" },
  });
  if (!response.ok) throw await refusalOf(response);
}

/** Have the browser save an answer as a file. */
export async function download(path: string, name: string): Promise<void> {
  const response = await reach(path, { headers: headers() });
  if (!response.ok) throw await refusalOf(response);
  const url = URL.createObjectURL(await response.blob());
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
