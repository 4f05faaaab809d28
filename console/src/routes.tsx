// Every screen: its address, the parameters that it keeps there, its title, and where it stands in the menus.
import {
  IconBroadcast,
  IconActivity,
  IconAntenna,
  IconBell,
  IconBuilding,
  IconChartDots,
  IconClipboardList,
  IconCloudUpload,
  IconCode,
  IconCpu,
  IconFlag,
  IconHelpHexagon,
  IconHome,
  IconListDetails,
  IconMailX,
  IconMap2,
  IconPalette,
  IconPlugConnected,
  IconPolygon,
  IconRoute,
  IconSend,
  IconServer2,
  IconSettings,
  IconShieldLock,
  IconTerminal2,
  IconUsers,
  type Icon,
} from "@tabler/icons-react";
import { createRootRoute, createRoute } from "@tanstack/react-router";
import type { ComponentType } from "react";
import { part } from "./components/lazy";
import { states } from "./features/campaigns/progress";
import { oneOf, count, read, text, type SearchOf } from "./search";
import { Screen } from "./shell/Screen";
import type { Key } from "./text";

export const root = createRootRoute();

function route<const Path extends string, All extends Parameters<typeof read>[0] = Record<never, never>>(
  path: Path,
  parameters?: All,
) {
  return createRoute({
    getParentRoute: () => root,
    path,
    validateSearch: (search: Record<string, unknown>): SearchOf<All> => read(parameters ?? ({} as All), search),
  });
}

const health = oneOf("ACTIVE", "INIT", "RF_CNX_ERROR");
const days = oneOf("1", "7", "35");
const on = oneOf("true");
const off = oneOf("off");

const routes = {
  home: route("/"),
  devices: route("/devices", {
    search: text,
    healthState: health,
    connectivityPlanId: text,
    deviceProfileId: text,
    routingProfileId: text,
    alarm: oneOf("ANY", "WARNING", "MINOR", "MAJOR", "CRITICAL"),
    tag: text,
    sort: oneOf(
      ...(["name", "-name", "deviceEUI", "-deviceEUI", "created", "-created"] as const),
      ...(["alarm", "-alarm", "lastUplink", "-lastUplink", "meanPER", "-meanPER"] as const),
    ),
    page: count,
    view: oneOf("map"),
  }),
  firstSteps: route("/first-steps", { step: oneOf("device", "reading"), deviceEUI: text, joinEUI: text }),
  networkFirstSteps: route("/operator/first-steps", {
    step: oneOf("subscriber", "user", "plan", "station", "device", "reading"),
  }),
  newDevice: route("/devices/new", { deviceEUI: text, joinEUI: text }),
  scan: route("/devices/scan"),
  import: route("/devices/import"),
  device: route("/devices/$ref", {
    tab: oneOf("charts", "readings", "frames", "downlinks", "alarms", "timeline", "network"),
    kinds: text,
    days: oneOf("1", "7", "15", "35", "90", "365"),
    from: text,
    to: text,
    form: oneOf("frames"),
    downlink: text,
    with: text,
  }),
  network: route("/operator"),
  stations: route("/operator/base-stations"),
  station: route("/operator/base-stations/$id"),
  coverage: route("/operator/coverage", { station: text, report: text }),
  logger: route("/logger", {
    deviceEUI: text,
    devAddr: text,
    baseStationId: text,
    asId: text,
    from: text,
    to: text,
    packetType: text,
    unknown: on,
    live: off,
    decode: off,
  }),
  unknown: route("/operator/unknown-devices"),
  nodes: route("/operator/nodes"),
  colleagues: route("/users"),
  subscribers: route("/operator/subscribers"),
  users: route("/operator/users"),
  operatorPlans: route("/operator/plans"),
  profiles: route("/operator/profiles"),
  hsmGroups: route("/operator/hsm-groups"),
  branding: route("/operator/branding"),
  downlinks: route("/downlinks", { status: text, device: text, downlink: text }),
  networkDownlinks: route("/operator/downlinks", { status: text, device: text, downlink: text }),
  alarms: route("/alarms", {
    state: oneOf("CLEARED", "UNCLEARED", "WARNING", "MINOR", "MAJOR", "CRITICAL"),
    acked: oneOf("true", "false", "all"),
    type: count,
    assignee: text,
    muted: oneOf("true", "false"),
    page: count,
  }),
  routing: route("/routing"),
  routingProfile: route("/routing/$ref"),
  flows: route("/flows"),
  undelivered: route("/undelivered", { days, pending: on }),
  networkUndelivered: route("/operator/undelivered", { days, pending: on }),
  plans: route("/plans"),
  groups: route("/groups"),
  group: route("/groups/$ref"),
  areas: route("/areas"),
  campaigns: route("/campaigns"),
  campaign: route("/campaigns/$ref", { state: oneOf(...states) }),
  decoders: route("/decoders"),
  decoder: route("/decoders/$ref"),
  developers: route("/developers"),
  audit: route("/operator/audit"),
  settings: route("/operator/settings"),
  account: route("/account"),
};

export const routeTree = root.addChildren(routes);

interface Entry {
  title: Key;
  /** Stands in the menu of those who see a subscriber's things. */
  subscriber?: Icon;
  /** Stands in the menu of those who look after the network. */
  operator?: Icon;
  /** Only for those who manage the users of a subscriber. */
  manages?: boolean;
  /** Only for those who may change things. */
  changes?: boolean;
  load: () => Promise<ComponentType>;
}

export interface ScreenOf extends Entry {
  path: (typeof routes)[keyof typeof routes]["fullPath"];
  preload: () => Promise<void>;
}

/** All screens, in the order of the menus. */
export const screens: ScreenOf[] = [];

function screen(of: (typeof routes)[keyof typeof routes], entry: Entry): void {
  const Body = part<object>(entry.load);
  const component = () => (
    <Screen title={entry.title}>
      <Body />
    </Screen>
  );
  // The router waits for this before it goes there.
  component.preload = Body.preload;
  of.update({ component });
  // The address is known once the router has put the routes together.
  screens.push({
    ...entry,
    get path() {
      return of.fullPath;
    },
    preload: Body.preload,
  });
}

screen(routes.home, {
  title: "nav.home",
  subscriber: IconHome,
  load: () => import("./features/home/Home").then((module) => module.Home),
});
screen(routes.devices, {
  title: "nav.devices",
  subscriber: IconCpu,
  load: () => import("./features/devices/List").then((module) => module.Devices),
});
screen(routes.newDevice, {
  title: "newDevice.title",
  load: () => import("./features/devices/New").then((module) => module.NewDevice),
});
screen(routes.scan, {
  title: "scan.series",
  load: () => import("./features/devices/Series").then((module) => module.Series),
});
screen(routes.import, {
  title: "import.title",
  load: () => import("./features/import/Import").then((module) => module.Import),
});
screen(routes.device, {
  title: "nav.devices",
  load: () => import("./features/devices/Device").then((module) => module.DevicePage),
});
screen(routes.network, {
  title: "nav.network",
  operator: IconChartDots,
  load: () => import("./features/operator/Network").then((module) => module.Network),
});
screen(routes.stations, {
  title: "nav.stations",
  operator: IconAntenna,
  load: () => import("./features/operator/Stations").then((module) => module.Stations),
});
screen(routes.station, {
  title: "nav.stations",
  load: () => import("./features/operator/Station").then((module) => module.StationPage),
});
screen(routes.coverage, {
  title: "worth.title",
  operator: IconMap2,
  load: () => import("./features/operator/Coverage").then((module) => module.Coverage),
});
screen(routes.logger, {
  title: "nav.logger",
  subscriber: IconActivity,
  operator: IconActivity,
  load: () => import("./features/logger/Logger").then((module) => module.Logger),
});
screen(routes.unknown, {
  title: "nav.unknown",
  operator: IconHelpHexagon,
  load: () => import("./features/operator/UnknownDevices").then((module) => module.UnknownDevices),
});
screen(routes.downlinks, {
  title: "downlinks.title",
  subscriber: IconSend,
  load: () => import("./features/downlinks/Downlinks").then((module) => module.Downlinks),
});
screen(routes.networkDownlinks, {
  title: "downlinks.title",
  operator: IconSend,
  load: () => import("./features/downlinks/Downlinks").then((module) => module.NetworkDownlinks),
});
screen(routes.subscribers, {
  title: "nav.subscribers",
  operator: IconBuilding,
  load: () => import("./features/operator/Subscribers").then((module) => module.Subscribers),
});
screen(routes.users, {
  title: "nav.users",
  operator: IconUsers,
  load: () => import("./features/operator/Customers").then((module) => module.Users),
});
screen(routes.operatorPlans, {
  title: "nav.plans",
  operator: IconListDetails,
  load: () => import("./features/operator/Offers").then((module) => module.OperatorPlans),
});
screen(routes.profiles, {
  title: "nav.profiles",
  operator: IconCpu,
  load: () => import("./features/operator/Offers").then((module) => module.Profiles),
});
screen(routes.hsmGroups, {
  title: "nav.hsm",
  operator: IconShieldLock,
  load: () => import("./features/operator/HsmGroups").then((module) => module.HsmGroups),
});
screen(routes.branding, {
  title: "nav.branding",
  operator: IconPalette,
  load: () => import("./features/operator/Branding").then((module) => module.Branding),
});
screen(routes.nodes, {
  title: "nav.nodes",
  operator: IconServer2,
  load: () => import("./features/operator/Nodes").then((module) => module.Nodes),
});
screen(routes.alarms, {
  title: "nav.alarms",
  subscriber: IconBell,
  load: () => import("./features/alarms/Alarms").then((module) => module.Alarms),
});
screen(routes.routing, {
  title: "nav.routing",
  subscriber: IconRoute,
  load: () => import("./features/routing/List").then((module) => module.Routing),
});
screen(routes.routingProfile, {
  title: "nav.routing",
  load: () => import("./features/routing/Profile").then((module) => module.RoutingProfilePage),
});
screen(routes.flows, {
  title: "nav.flows",
  subscriber: IconPlugConnected,
  load: () => import("./features/flows/Flows").then((module) => module.FlowsPage),
});
screen(routes.undelivered, {
  title: "nav.undelivered",
  subscriber: IconMailX,
  load: () => import("./features/undelivered/Undelivered").then((module) => module.UndeliveredPage),
});
screen(routes.networkUndelivered, {
  title: "nav.undelivered",
  operator: IconMailX,
  load: () => import("./features/operator/Oversight").then((module) => module.NetworkUndelivered),
});
screen(routes.plans, {
  title: "nav.plans",
  subscriber: IconListDetails,
  load: () => import("./features/plans/Plans").then((module) => module.Plans),
});
screen(routes.groups, {
  title: "nav.groups",
  subscriber: IconBroadcast,
  load: () => import("./features/groups/List").then((module) => module.Groups),
});
screen(routes.group, {
  title: "nav.groups",
  load: () => import("./features/groups/Group").then((module) => module.GroupPage),
});
screen(routes.areas, {
  title: "nav.areas",
  subscriber: IconPolygon,
  load: () => import("./features/areas/Areas").then((module) => module.Areas),
});
screen(routes.campaigns, {
  title: "nav.campaigns",
  subscriber: IconCloudUpload,
  load: () => import("./features/campaigns/List").then((module) => module.Campaigns),
});
screen(routes.campaign, {
  title: "nav.campaigns",
  load: () => import("./features/campaigns/Campaign").then((module) => module.CampaignPage),
});
screen(routes.decoders, {
  title: "nav.decoders",
  subscriber: IconCode,
  load: () => import("./features/decoders/List").then((module) => module.Decoders),
});
screen(routes.decoder, {
  title: "nav.decoders",
  load: () => import("./features/decoders/Lab").then((module) => module.DecoderLab),
});
screen(routes.developers, {
  title: "nav.developers",
  subscriber: IconTerminal2,
  load: () => import("./features/developers/Developers").then((module) => module.Developers),
});
screen(routes.colleagues, {
  title: "nav.users",
  subscriber: IconUsers,
  manages: true,
  load: () => import("./features/users/Users").then((module) => module.Users),
});
screen(routes.firstSteps, {
  title: "firstSteps.title",
  subscriber: IconFlag,
  changes: true,
  load: () => import("./features/first-steps/FirstSteps").then((module) => module.FirstSteps),
});
screen(routes.networkFirstSteps, {
  title: "firstSteps.title",
  operator: IconFlag,
  changes: true,
  load: () => import("./features/first-steps/FirstSteps").then((module) => module.NetworkFirstSteps),
});
screen(routes.audit, {
  title: "nav.audit",
  operator: IconClipboardList,
  load: () => import("./features/operator/Oversight").then((module) => module.Audit),
});
screen(routes.settings, {
  title: "nav.settings",
  operator: IconSettings,
  load: () => import("./features/operator/Oversight").then((module) => module.Settings),
});
screen(routes.account, {
  title: "nav.account",
  load: () => import("./features/account/Account").then((module) => module.Account),
});
