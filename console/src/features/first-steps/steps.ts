// The steps from an empty network to the first reading: which there are, and which are done.
import type { Schemas } from "../../api/client";

export const stepNames = ["subscriber", "user", "plan", "station", "device", "reading"] as const;
export type StepName = (typeof stepNames)[number];

export interface Step {
  name: StepName;
  done: boolean;
  /** What there is already, such as the name of the subscriber. */
  found: string;
}

/** What somebody chose in earlier steps, kept with the user's preferences. */
export interface Begun {
  customerId?: string;
  stationId?: string;
  deviceRef?: string;
}

interface Network {
  subscribers: Schemas["Subscriber"][];
  plans: Schemas["Plan"][];
  stations: Schemas["StationView"][];
}

/** The subscriber that was chosen, or the only one. */
export function chosenSubscriber({ subscribers }: Network, begun: Begun): Schemas["Subscriber"] | undefined {
  const kept = subscribers.find((one) => one.customerId === begun.customerId);
  return kept ?? (subscribers.length === 1 ? subscribers[0] : undefined);
}

/** The base station that was registered here, else one that is connected. */
export function chosenStation({ stations }: Network, begun: Begun): Schemas["StationView"] | undefined {
  return stations.find((one) => one.id === begun.stationId) ?? stations.find((one) => one.connected) ?? stations[0];
}

/** The steps of the operator alone. */
export function networkSteps(network: Network, begun: Begun): Step[] {
  const subscriber = chosenSubscriber(network, begun);
  const plan = network.plans.find((one) =>
    one.grants.some((grant) => grant.customerId === subscriber?.customerId && grant.granted > 0),
  );
  const station = chosenStation(network, begun);
  return [
    { name: "subscriber", done: subscriber !== undefined, found: subscriber?.name ?? "" },
    { name: "user", done: (subscriber?.users ?? 0) > 0, found: "" },
    { name: "plan", done: plan !== undefined, found: plan?.name ?? "" },
    { name: "station", done: station?.connected ?? false, found: station?.name ?? "" },
  ];
}

/** The steps of a subscriber: `device` is the one that was created here, or the newest. */
export function deviceSteps(device: Schemas["Device"] | undefined): Step[] {
  return [
    { name: "device", done: device !== undefined, found: device?.name ?? "" },
    { name: "reading", done: Boolean(device?.statistics?.lastUplinkTime), found: "" },
  ];
}

/** The step that is shown where nobody chose one: the first that is not done, else the last. */
export function current(steps: readonly Step[]): StepName {
  return steps.find((step) => !step.done)?.name ?? steps.at(-1)?.name ?? "device";
}

/** How far a device has come, from its frames, newest first. */
export interface Progress {
  heard: Schemas["Line"] | undefined;
  joined: Schemas["Line"] | undefined;
  reading: Schemas["Line"] | undefined;
}

export function progressOf(lines: readonly Schemas["Line"][]): Progress {
  const uplinks = lines.filter((line) => !line.type.startsWith("DOWNLINK") && line.type !== "RESET");
  return {
    heard: uplinks[0],
    joined: uplinks.find((line) => line.type === "UPLINK_JOIN" && line.outcome === "accepted"),
    reading: uplinks.find((line) => line.type.endsWith("DATA") && line.outcome === "accepted"),
  };
}
