// For tests: a page with what surrounds every screen, in an address of its own, and a server that answers from a table.
import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import {
  createBrowserHistory,
  createRootRoute,
  createRoute,
  createRouter,
  Outlet,
  RouterProvider,
  type AnyRouter,
} from "@tanstack/react-router";
import { cleanup, render } from "@testing-library/react";
import type { ReactElement, ReactNode } from "react";
import { afterEach, vi } from "vitest";
import { keepIn } from "./api/queries";
import { Dialogs } from "./components/dialogs";
import { UnsavedGuard } from "./components/unsaved";
import { parseSearch, stringifySearch } from "./search";
import { TextProvider } from "./text";

const leaving: (() => void)[] = [];

afterEach(() => {
  cleanup();
  for (const leave of leaving.splice(0)) leave();
  sessionStorage.clear();
});

export function Surroundings({ children }: { children: ReactNode }) {
  const queries = new QueryClient({
    defaultOptions: { queries: { retry: false, networkMode: "always" }, mutations: { networkMode: "always" } },
  });
  keepIn(queries);
  return (
    <TextProvider>
      <MantineProvider env="test">
        <QueryClientProvider client={queries}>{children}</QueryClientProvider>
      </MantineProvider>
    </TextProvider>
  );
}

/** Shows pages by their paths, the one of `at` first. `around` is drawn beside each. */
export async function visit(pages: Record<string, () => ReactElement>, at: string, around?: ReactNode) {
  const root = createRootRoute({
    component: () => (
      <>
        <Outlet />
        {around}
        <Dialogs />
        <UnsavedGuard />
      </>
    ),
  });
  const children = Object.entries(pages).map(([path, component]) =>
    createRoute({
      getParentRoute: () => root,
      path,
      component,
      validateSearch: (search: Record<string, unknown>) => search,
    }),
  );
  window.history.pushState(null, "", at);
  const history = createBrowserHistory();
  leaving.push(() => history.destroy());
  const router = createRouter({ routeTree: root.addChildren(children), history, parseSearch, stringifySearch });
  await router.load();
  render(
    <Surroundings>
      <RouterProvider<AnyRouter> router={router} />
    </Surroundings>,
  );
  return router;
}

export interface Asked {
  method: string;
  path: string;
  headers: Headers;
  body: unknown;
}

type Answer = (asked: Asked) => Response | Promise<Response>;

/** A server in place of the network; what it has no answer for is 404. Returns what it was asked. */
export function serve(answers: Record<string, Answer>): Asked[] {
  const all: Asked[] = [];
  vi.stubGlobal("fetch", async (given: RequestInfo | URL, init?: RequestInit) => {
    const request = new Request(given, init);
    const text = await request.clone().text();
    const asked = {
      method: request.method,
      path: new URL(request.url).pathname,
      headers: request.headers,
      body: text ? (JSON.parse(text) as unknown) : null,
    };
    all.push(asked);
    request.signal.throwIfAborted();
    return (answers[`${asked.method} ${asked.path}`] ?? (() => json({ message: "not found" }, 404)))(asked);
  });
  return all;
}

export function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
}
