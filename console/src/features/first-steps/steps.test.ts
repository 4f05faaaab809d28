import { describe, expect, it } from "vitest";
import type { Schemas } from "../../api/client";
import { chosenStation, chosenSubscriber, current, deviceSteps, networkSteps, progressOf } from "./steps";

const acme = { customerId: "100000001", name: "Acme", devices: 0, disconnected: 0, users: 0, suspended: false };
const other = { ...acme, customerId: "100000002", name: "Other", users: 2 };
const grant = { customerId: acme.customerId, name: "Acme", granted: 10, used: 0 };
const plan = {
  ref: "1",
  id: "a-cs/b",
  name: "Basic",
  settings: {},
  grants: [grant],
  suspended: false,
  communicationType: "UNICAST" as const,
};
const station = (id: string, connected: boolean) => ({ id, name: id, connected }) as Schemas["StationView"];
const line = (type: string, outcome: string) => ({ type, outcome }) as Schemas["Line"];

describe("first steps", () => {
  it("begin with the subscriber, and skip what is there", () => {
    const nothing = { subscribers: [], plans: [], stations: [] };
    expect(current(networkSteps(nothing, {}))).toBe("subscriber");
    expect(current(networkSteps({ ...nothing, subscribers: [acme] }, {}))).toBe("user");
    const ready = {
      subscribers: [{ ...acme, users: 1 }],
      plans: [plan],
      stations: [station("A", false)],
    };
    expect(current(networkSteps(ready, {}))).toBe("station");
    expect(networkSteps({ ...ready, stations: [station("A", true)] }, {}).every((step) => step.done)).toBe(true);
  });

  it("go on with what was chosen", () => {
    const many = { subscribers: [acme, other], plans: [], stations: [station("A", false), station("B", true)] };
    expect(chosenSubscriber(many, {})).toBeUndefined();
    expect(chosenSubscriber(many, { customerId: other.customerId })?.name).toBe("Other");
    expect(chosenStation(many, {})?.id).toBe("B");
    expect(chosenStation(many, { stationId: "A" })?.id).toBe("A");
    // A base station that was deleted meanwhile.
    expect(chosenStation(many, { stationId: "C" })?.id).toBe("B");
  });

  it("end with the first reading", () => {
    expect(current(deviceSteps(undefined))).toBe("device");
    expect(current(deviceSteps({ name: "Tank" }))).toBe("reading");
    const join = line("UPLINK_JOIN", "accepted");
    expect(progressOf([line("REFUSED", "wrong_mic")])).toMatchObject({ joined: undefined, reading: undefined });
    expect(progressOf([line("DOWNLINK_JOIN", "sent")]).heard).toBeUndefined();
    expect(progressOf([line("UPLINK_MAC", "accepted"), join])).toMatchObject({ joined: join, reading: undefined });
    expect(progressOf([line("UPLINK_DATA", "accepted"), join]).reading?.type).toBe("UPLINK_DATA");
  });
});
