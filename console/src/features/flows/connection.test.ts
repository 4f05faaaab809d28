import { expect, it } from "vitest";
import { changesOf, fieldsOf, headersOf, shown, withKind, withPreset, type Kind, type KindField } from "./connection";

const field = (name: string, type: KindField["type"], more: Partial<KindField> = {}): KindField => ({
  ...{ name, type, label: name, help: "", default: "", choices: [], required: false, option: false },
  ...{ secret: false, shown: "ALWAYS", least: 0, most: 255 },
  ...more,
});
const preset = { id: "p", title: "P", help: "", address: "mqtts://HOST", values: { qos: 0, downlinks: true } };
const mqtt: Kind = {
  ...{ type: "MQTT", title: "MQTT", schemes: ["mqtt", "mqtts", "ws", "wss"], secureSchemes: ["mqtts", "wss"] },
  ...{ example: "", downlinks: true, presets: [preset] },
  fields: [
    field("password", "SECRET"),
    field("topic", "TEXT"),
    field("downlinks", "BOOLEAN", { default: false }),
    field("qos", "NUMBER", { default: 1, choices: ["0", "1", "2"] }),
    field("caCertificate", "LINES", { shown: "SECURE" }),
    field("table", "TEXT", { option: true, default: "messages" }),
    field("headers", "HEADERS"),
  ],
};
const stored = { name: "Broker", type: "MQTT", address: "mqtt://a", password: "*****", topic: "t" } as const;

it("sends what has changed, and names what has lost its value", () => {
  const given = fieldsOf(stored, mqtt);
  expect(changesOf(given, given, mqtt, false)).toEqual({ name: "Broker" });
  const values = { ...given.values, password: "new", topic: " ", downlinks: true, qos: "2", table: "" };
  expect(changesOf({ ...given, values }, given, mqtt, false)).toEqual({
    name: "Broker",
    password: "new",
    downlinks: true,
    qos: 2,
    options: { table: "" },
    clear: ["topic"],
  });
  const empty = fieldsOf({}, mqtt);
  expect(changesOf({ ...empty, name: " x ", address: "mqtt://b" }, empty, mqtt, true)).toEqual({
    name: "x",
    type: "MQTT",
    address: "mqtt://b",
  });
});

it("shows what matters, and takes a preset", () => {
  const given = fieldsOf(stored, mqtt);
  const certificate = field("caCertificate", "LINES", { shown: "SECURE" });
  expect(shown(certificate, mqtt, given)).toBe(false);
  const filled = withPreset(given, mqtt, preset);
  expect(shown(certificate, mqtt, filled)).toBe(true);
  expect(shown(certificate, mqtt, { ...filled, address: "WSS://host/mqtt" })).toBe(true);
  expect(withKind(filled, mqtt)).toMatchObject({ preset: null, address: "" });
  expect(filled.values).toMatchObject({ qos: "0", downlinks: true, topic: "", table: "messages" });
});

it("reads headers, one a line", () => {
  expect(headersOf("X-Key: a:b\n\nAccept: */*")).toEqual({ "X-Key": "a:b", Accept: "*/*" });
  expect(headersOf("none")).toBeNull();
  expect(fieldsOf({ headers: { "X-Key": "*****" } }, mqtt).values.headers).toBe("X-Key: *****");
});
