// Addresses. Filters live in the address, so that every view can be linked to and the back button works.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";
import { NotFound, Shell } from "./Shell";

type Search = Record<string, string>;

function texts(search: Record<string, unknown>): Search {
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined && value !== null && value !== "").map(([name, value]) => [name, String(value)]));
}

const root = createRootRoute({ component: Shell, validateSearch: texts, notFoundComponent: NotFound });

function page(path: string, load: () => Promise<Record<string, unknown>>, name: string) {
  return createRoute({ getParentRoute: () => root, path, component: lazyRouteComponent(load as never, name as never) });
}

const operator = {
  customers: () => import("./pages/operator/Customers"),
  offers: () => import("./pages/operator/Offers"),
  stations: () => import("./pages/operator/Stations"),
  oversight: () => import("./pages/operator/Oversight"),
};

const routes = [
  page("/", () => import("./pages/Home"), "Home"),
  page("/devices", () => import("./pages/Devices"), "Devices"),
  page("/devices/new", () => import("./pages/NewDevice"), "NewDevice"),
  page("/devices/import", () => import("./pages/Import"), "Import"),
  page("/devices/$ref", () => import("./pages/device/Device"), "DevicePage"),
  page("/logger", () => import("./pages/Logger"), "Logger"),
  page("/routing", () => import("./pages/Routing"), "Routing"),
  page("/routing/$ref", () => import("./pages/RoutingProfile"), "RoutingProfilePage"),
  page("/undelivered", () => import("./pages/Undelivered"), "UndeliveredPage"),
  page("/plans", () => import("./pages/Plans"), "Plans"),
  page("/alarms", () => import("./pages/Alarms"), "Alarms"),
  page("/decoders", () => import("./pages/Decoders"), "Decoders"),
  page("/decoders/$ref", () => import("./pages/DecoderLab"), "DecoderLab"),
  page("/developers", () => import("./pages/Developers"), "Developers"),
  page("/account", () => import("./pages/Account"), "Account"),
  page("/operator", () => import("./pages/operator/Network"), "Network"),
  page("/operator/subscribers", operator.customers, "Subscribers"),
  page("/operator/users", operator.customers, "Users"),
  page("/operator/plans", operator.offers, "OperatorPlans"),
  page("/operator/profiles", operator.offers, "Profiles"),
  page("/operator/hsm-groups", operator.offers, "HsmGroups"),
  page("/operator/base-stations", operator.stations, "Stations"),
  page("/operator/base-stations/$id", operator.stations, "StationPage"),
  page("/operator/undelivered", operator.oversight, "NetworkUndelivered"),
  page("/operator/audit", operator.oversight, "Audit"),
  page("/operator/settings", operator.oversight, "Settings"),
];

export const router = createRouter({ routeTree: root.addChildren(routes), basepath: "/console", defaultPreload: "intent", scrollRestoration: true });

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

/** The filters in the address, and a function that changes some of them; empty ones go. */
export function useFilters(): [Search, (change: Record<string, string | undefined>) => void] {
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const change = useCallback(
    (wanted: Record<string, string | undefined>) =>
      void navigate({ to: ".", search: ((before: Search) => texts({ ...before, ...wanted })) as never, replace: true }),
    [navigate],
  );
  return [search, change];
}

/** Go to an address of the console. */
export function useGo(): (to: string, search?: Search) => void {
  const navigate = useNavigate();
  return useCallback((to, search) => void navigate({ to: to as never, search: search as never }), [navigate]);
}
