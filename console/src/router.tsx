// Addresses. Filters live in the address, so that every view can be linked to and the back button works.
import { createRootRoute, createRoute, createRouter, useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect, useRef, useState, type ComponentType } from "react";
import { part, type Part } from "./components/lazy";
import { Screen } from "./shell/Screen";
import { Broken, NotFound, Shell } from "./shell/Shell";
import type { Key } from "./text";

type Search = Record<string, string>;

function texts(search: Record<string, unknown>): Search {
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined && value !== null && value !== "").map(([name, value]) => [name, String(value)]));
}

const root = createRootRoute({ component: Shell, validateSearch: texts, notFoundComponent: NotFound });

/** All screens, to be loaded ahead. */
export const screens: { path: string; preload: () => Promise<void> }[] = [];

function page(path: string, title: Key, load: () => Promise<Record<string, unknown>>, name: string) {
  const Body: Part<object> = part(() => load().then((module) => module[name] as ComponentType));
  const component = () => <Screen title={title}><Body /></Screen>;
  // The router waits for this before it goes there.
  component.preload = Body.preload;
  screens.push({ path, preload: Body.preload });
  return createRoute({ getParentRoute: () => root, path, component });
}

const operator = {
  customers: () => import("./features/operator/Customers"),
  offers: () => import("./features/operator/Offers"),
  stations: () => import("./features/operator/Stations"),
  oversight: () => import("./features/operator/Oversight"),
};

const routes = [
  page("/", "nav.home", () => import("./features/home/Home"), "Home"),
  page("/devices", "nav.devices", () => import("./features/devices/List"), "Devices"),
  page("/devices/new", "newDevice.title", () => import("./features/devices/New"), "NewDevice"),
  page("/devices/import", "import.title", () => import("./features/import/Import"), "Import"),
  page("/devices/$ref", "nav.devices", () => import("./features/devices/Device"), "DevicePage"),
  page("/logger", "nav.logger", () => import("./features/logger/Logger"), "Logger"),
  page("/routing", "nav.routing", () => import("./features/routing/List"), "Routing"),
  page("/routing/$ref", "nav.routing", () => import("./features/routing/Profile"), "RoutingProfilePage"),
  page("/undelivered", "nav.undelivered", () => import("./features/undelivered/Undelivered"), "UndeliveredPage"),
  page("/plans", "nav.plans", () => import("./features/plans/Plans"), "Plans"),
  page("/alarms", "nav.alarms", () => import("./features/alarms/Alarms"), "Alarms"),
  page("/decoders", "nav.decoders", () => import("./features/decoders/List"), "Decoders"),
  page("/decoders/$ref", "nav.decoders", () => import("./features/decoders/Lab"), "DecoderLab"),
  page("/developers", "nav.developers", () => import("./features/developers/Developers"), "Developers"),
  page("/account", "nav.account", () => import("./features/account/Account"), "Account"),
  page("/operator", "nav.network", () => import("./features/operator/Network"), "Network"),
  page("/operator/subscribers", "nav.subscribers", operator.customers, "Subscribers"),
  page("/operator/users", "nav.users", operator.customers, "Users"),
  page("/operator/plans", "nav.plans", operator.offers, "OperatorPlans"),
  page("/operator/profiles", "nav.profiles", operator.offers, "Profiles"),
  page("/operator/hsm-groups", "nav.hsm", operator.offers, "HsmGroups"),
  page("/operator/base-stations", "nav.stations", operator.stations, "Stations"),
  page("/operator/base-stations/$id", "nav.stations", operator.stations, "StationPage"),
  page("/operator/undelivered", "nav.undelivered", operator.oversight, "NetworkUndelivered"),
  page("/operator/audit", "nav.audit", operator.oversight, "Audit"),
  page("/operator/settings", "nav.settings", operator.oversight, "Settings"),
];

export const router = createRouter({ routeTree: root.addChildren(routes), basepath: "/console", defaultPreload: "intent", scrollRestoration: true, defaultErrorComponent: Broken, defaultPendingMs: 20_000 });

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

export type Filters = Search;
type Change = Record<string, string | undefined>;

/** The filters in the address, and a function that changes some of them; empty ones go. Changes that come
 * together count together, whatever the page had drawn when they were made. */
export function useFilters(): [Search, (change: Change) => void] {
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const gathered = useRef<Change | null>(null);
  const change = useCallback(
    (wanted: Change) => {
      if (gathered.current) {
        Object.assign(gathered.current, wanted);
        return;
      }
      gathered.current = { ...wanted };
      queueMicrotask(() => {
        const all = gathered.current ?? {};
        gathered.current = null;
        void navigate({ to: ".", search: ((before: Search) => texts({ ...before, ...all })) as never, replace: true });
      });
    },
    [navigate],
  );
  return [search, change];
}

/** Filters that are typed: what stands in the fields, and what follows in the address once nobody types any
 * more. All that was typed meanwhile is taken over, in whichever fields. */
export function useTyped(names: readonly string[], filters: Search, change: (wanted: Change) => void, delay: number) {
  const [typed, setTyped] = useState<Record<string, string>>(() => Object.fromEntries(names.map((name) => [name, filters[name] ?? ""])));
  const open = useRef<Change>({});
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const settle = useCallback(() => {
    clearTimeout(timer.current);
    const all = open.current;
    open.current = {};
    if (Object.keys(all).length) change(all);
  }, [change]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const type = useCallback(
    (name: string, value: string, more: Change = {}) => {
      setTyped((before) => ({ ...before, [name]: value }));
      Object.assign(open.current, { [name]: value, ...more });
      clearTimeout(timer.current);
      timer.current = setTimeout(settle, delay);
    },
    [settle, delay],
  );
  /** Set fields and the address at once; what was being typed in others goes along. */
  const put = useCallback(
    (values: Change) => {
      setTyped((before) => ({ ...before, ...Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value ?? ""])) }));
      Object.assign(open.current, values);
      settle();
    },
    [settle],
  );
  return { typed, type, put };
}

/** Go to an address of the console. */
export function useGo(): (to: string, search?: Search) => void {
  const navigate = useNavigate();
  return useCallback((to, search) => void navigate({ to: to as never, search: search as never }), [navigate]);
}
