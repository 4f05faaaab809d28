// A connection in a form, and what is sent of it. Which fields a type has, the server says.
import type { Schemas } from "../../api/client";
import type { Connection } from "./api";

export type Kind = Schemas["ConnectionKind"];
export type KindField = Schemas["KindField"];
export type Preset = Schemas["KindPreset"];
type Value = string | boolean;

/** Members that connections of all types have. */
const texts = ["address", "applicationId", "tenantId"] as const;
type Text = (typeof texts)[number];

export interface ConnectionFields extends Record<Text, string> {
  name: string;
  type: string;
  dialect: NonNullable<Connection["dialect"]>;
  active: boolean;
  preset: string | null;
  /** What is typed into the fields of the type, by their names. */
  values: Record<string, Value>;
}

export const dialects = ["THINGPARK", "CHIRPSTACK", "THE_THINGS_STACK"] as const;

/** Whether an address leads to a server with a certificate. */
const secure = (kind: Kind, address: string) =>
  kind.secureSchemes.some((scheme) => address.toLowerCase().startsWith(`${scheme}://`));

export function shown(field: KindField, kind: Kind, form: ConnectionFields): boolean {
  if (field.shown === "SECURE") return secure(kind, form.address);
  return field.shown === "ALWAYS" || form.values.downlinks === true;
}

const typed = (value: unknown): Value => (typeof value === "boolean" ? value : String(value));

function stored(connection: Connection, field: KindField): unknown {
  const members: Record<string, unknown> = field.option ? (connection.options ?? {}) : { ...connection };
  return members[field.name] ?? field.default;
}

/** The values of the fields of a type, as they are in a connection or by default. */
export function valuesOf(kind: Kind, connection: Connection): Record<string, Value> {
  return Object.fromEntries(
    kind.fields.map((field) => [
      field.name,
      field.type === "HEADERS" ? linesOf(connection.headers) : typed(stored(connection, field)),
    ]),
  );
}

const linesOf = (headers: Connection["headers"]) =>
  Object.entries(headers ?? {})
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n");

export function fieldsOf(connection: Connection, kind: Kind): ConnectionFields {
  return {
    name: connection.name ?? "",
    type: kind.type,
    dialect: connection.dialect ?? "THINGPARK",
    active: connection.active ?? true,
    address: connection.address ?? "",
    applicationId: connection.applicationId ?? "",
    tenantId: connection.tenantId ?? "",
    preset: null,
    values: valuesOf(kind, connection),
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

export const complete = (form: ConnectionFields, kind: Kind) =>
  Boolean(form.name.trim() && form.address.trim() && headersOf(String(form.values.headers ?? ""))) &&
  kind.fields.every((field) => !field.required || Boolean(form.values[field.name]));

/** A form of another type; what a preset gave does not belong to it. */
export function withKind(form: ConnectionFields, kind: Kind): ConnectionFields {
  const address = form.preset === null ? form.address : "";
  return { ...form, type: kind.type, preset: null, address, values: valuesOf(kind, {}) };
}

/** A form with what a preset gives. */
export function withPreset(form: ConnectionFields, kind: Kind, preset: Preset): ConnectionFields {
  const given = Object.entries(preset.values).map(([name, value]) => [name, typed(value)] as const);
  const values = { ...valuesOf(kind, {}), ...Object.fromEntries(given) };
  return { ...form, type: kind.type, preset: preset.id, address: preset.address, values };
}

/** What is different from how it was; `isNew` has the type sent, too. */
export function changesOf(form: ConnectionFields, given: ConnectionFields, kind: Kind, isNew: boolean): Connection {
  const body: Connection = { name: form.name.trim() };
  if (isNew) body.type = form.type;
  const clear: string[] = [];
  for (const member of texts) {
    const value = form[member].trim();
    if (value === given[member]) continue;
    if (value) body[member] = value;
    else if (member !== "address") clear.push(member);
  }
  for (const member of ["dialect", "active"] as const)
    if (form[member] !== given[member]) Object.assign(body, { [member]: form[member] });
  for (const field of kind.fields) change(body, clear, field, form.values[field.name], given.values[field.name]);
  if (clear.length) body.clear = clear as NonNullable<Connection["clear"]>;
  return body;
}

function change(body: Connection, clear: string[], field: KindField, typedNow: Value = "", before: Value = "") {
  const now = typeof typedNow === "string" ? typedNow.trim() : typedNow;
  if (now === before) return;
  const value = field.type === "NUMBER" ? Number(now) : now;
  if (field.type === "HEADERS") body.headers = headersOf(String(now)) ?? {};
  else if (field.option) body.options = { ...body.options, [field.name]: value };
  else if (now === "") clear.push(field.name);
  else Object.assign(body, { [field.name]: value });
}
