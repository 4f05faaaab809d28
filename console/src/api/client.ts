// The server's API, typed by its own description. The browser's cookie says who asks; changes carry the page's token.
import createFetchClient, { type Middleware } from "openapi-fetch";
import createQueryClient from "openapi-react-query";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

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

/** The server could not be reached. */
export class Unreachable extends Error {}

/** What every request carries, and what the answers tell of the session and the connection. */
export const link = {
  csrfToken: "",
  /** The customer whom an operator's user works for. */
  customerId: "",
  onExpired: () => {},
  onReachable: (() => {}) as (reachable: boolean) => void,
};

export function headers(method = "GET"): Record<string, string> {
  return {
    ...(method === "GET" ? {} : { "x-csrf-token": link.csrfToken }),
    ...(link.customerId ? { "x-subscriber": link.customerId } : {}),
  };
}

/** Turns an answer that is a refusal into an error. */
export async function refusalOf(response: Response): Promise<ApiError> {
  let message = response.statusText || `HTTP ${response.status}`;
  let errorId: string | undefined;
  try {
    const body = await response.clone().json();
    if (typeof body.message === "string") message = body.message.replace(/^Bad request: /, "");
    if (typeof body.errorId === "string") errorId = body.errorId;
  } catch {
    // Not ours; the status says enough.
  }
  return new ApiError(response.status, message, errorId);
}

export async function reach(request: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(request, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    link.onReachable(false);
    throw new Unreachable("The server cannot be reached");
  }
  link.onReachable(true);
  return response;
}

const ours: Middleware = {
  onRequest({ request }) {
    for (const [name, value] of Object.entries(headers(request.method))) request.headers.set(name, value);
    return request;
  },
  async onResponse({ response, schemaPath }) {
    if (response.ok) return response;
    if (response.status === 401 && schemaPath !== "/api/v1/session") link.onExpired();
    throw await refusalOf(response);
  },
};

export const api = createFetchClient<paths>({ baseUrl: "/", fetch: reach });
api.use(ours);
export const $api = createQueryClient(api);

/** A file to be sent as it is, such as CSV. */
export async function postText(path: string, body: string, more: Record<string, string> = {}): Promise<string> {
  const response = await reach(path, {
    method: "POST",
    body,
    headers: { ...headers("POST"), "content-type": "text/csv", ...more },
  });
  if (response.status === 401) link.onExpired();
  if (!response.ok) throw await refusalOf(response);
  return response.text();
}

/** Have the browser save an answer as a file. */
export async function download(path: string, name: string): Promise<void> {
  const response = await reach(path, { headers: headers() });
  if (response.status === 401) link.onExpired();
  if (!response.ok) throw await refusalOf(response);
  const url = URL.createObjectURL(await response.blob());
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
