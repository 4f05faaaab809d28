// The router: the screens within what surrounds them.
import { createRouter } from "@tanstack/react-router";
import { root, routeTree } from "./routes";
import { parseSearch, stringifySearch } from "./search";
import { Broken, NotFound, Shell } from "./shell/Shell";

root.update({ component: Shell, notFoundComponent: NotFound });

export const router = createRouter({
  routeTree,
  basepath: "/console",
  parseSearch,
  stringifySearch,
  defaultPreload: "intent",
  scrollRestoration: true,
  defaultErrorComponent: Broken,
  defaultPendingMs: 20_000,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
