// A connection in a form, and what is sent of it.
import type { Connection } from "./api";

export type Kind = NonNullable<Connection["type"]>;

/** What is typed as text; an empty one has no value. */
const texts = [
  ...(["address", "username", "password", "caCertificate", "clientCertificate", "clientKey"] as const),
  ...(["clientId", "topic", "downlinkTopic", "exchange", "applicationId", "tenantId"] as const),
];
type Text = (typeof texts)[number];

export interface ConnectionFields extends Record<Text, string> {
  name: string;
  type: Kind;
  dialect: NonNullable<Connection["dialect"]>;
  active: boolean;
  downlinks: boolean;
  mqttVersion: NonNullable<Connection["mqttVersion"]>;
  qos: number;
  retain: boolean;
  /** A header a line. */
  headers: string;
}

export const addresses: Record<Kind, string> = {
  MQTT: "mqtts://broker.example.com:8883",
  HTTP: "https://example.com/messages/{devEui}",
  NATS: "tls://nats.example.com:4222",
  AMQP: "amqps://broker.example.com:5671/vhost",
};
export const kinds = Object.keys(addresses) as Kind[];
export const dialects = ["THINGPARK", "CHIRPSTACK", "THE_THINGS_STACK"] as const;

// Versions and levels of quality have no other words.
export const versions = ["5", "3.1.1"] as const;
export const levels = ["0", "1", "2"];

/** Whether an address leads to a server with a certificate, other than one of HTTP. */
export const secure = (address: string) => /^(mqtts|tls|amqps):/i.test(address);

export function fieldsOf(connection: Connection): ConnectionFields {
  const headers = Object.entries(connection.headers ?? {}).map(([name, value]) => `${name}: ${value}`);
  const typed = Object.fromEntries(texts.map((member) => [member, connection[member] ?? ""])) as Record<Text, string>;
  return {
    ...typed,
    name: connection.name ?? "",
    type: connection.type ?? "MQTT",
    dialect: connection.dialect ?? "THINGPARK",
    active: connection.active ?? true,
    downlinks: connection.downlinks ?? false,
    mqttVersion: connection.mqttVersion ?? "5",
    qos: connection.qos ?? 1,
    retain: connection.retain ?? false,
    headers: headers.join("\n"),
  };
}

/** The headers that lines name; null where one is none. */
export function headersOf(lines: string): Record<string, string> | null {
  const found: Record<string, string> = {};
  for (const line of lines.split("\n").filter((each) => each.trim())) {
    const at = line.indexOf(":");
    if (at < 1) return null;
    found[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return found;
}

/** What is different from how it was; `isNew` has the type sent, too. */
export function changesOf(form: ConnectionFields, given: ConnectionFields, isNew: boolean): Connection {
  const body: Connection = { name: form.name.trim() };
  if (isNew) Object.assign(body, { type: form.type });
  const clear: NonNullable<Connection["clear"]> = [];
  for (const member of texts) {
    const value = form[member].trim();
    if (value === given[member]) continue;
    if (value) body[member] = value;
    else if (member !== "address") clear.push(member);
  }
  for (const member of ["dialect", "active", "downlinks", "mqttVersion", "qos", "retain"] as const)
    if (form[member] !== given[member]) Object.assign(body, { [member]: form[member] });
  if (form.headers !== given.headers) body.headers = headersOf(form.headers) ?? {};
  if (clear.length) body.clear = clear;
  return body;
}
