import { expect, it } from "vitest";
import { changesOf, fieldsOf, headersOf } from "./connection";

const stored = { name: "Broker", type: "MQTT", address: "mqtt://a", password: "*****", topic: "t" } as const;

it("sends what has changed, and names what has lost its value", () => {
  const given = fieldsOf(stored);
  expect(changesOf(given, given, false)).toEqual({ name: "Broker" });
  expect(changesOf({ ...given, password: "new", topic: " ", downlinks: true }, given, false)).toEqual({
    name: "Broker",
    password: "new",
    downlinks: true,
    clear: ["topic"],
  });
  expect(changesOf({ ...fieldsOf({}), name: " x ", address: "mqtt://b" }, fieldsOf({}), true)).toEqual({
    name: "x",
    type: "MQTT",
    address: "mqtt://b",
  });
});

it("reads headers, one a line", () => {
  expect(headersOf("X-Key: a:b\n\nAccept: */*")).toEqual({ "X-Key": "a:b", Accept: "*/*" });
  expect(headersOf("none")).toBeNull();
  expect(fieldsOf({ headers: { "X-Key": "*****" } }).headers).toBe("X-Key: *****");
});
