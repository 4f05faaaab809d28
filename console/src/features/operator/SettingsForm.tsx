// The settings of a plan or a device profile: a field for each, of the kind that the server says.
import { Select, Stack, Table, TagsInput, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { NumberField } from "../../components/NumberField";
import { percent, plain } from "../../format";
import { useT } from "../../text";

export type Settings = Record<string, unknown>;
export type Fields = Record<string, Schemas["SettingField"]>;

interface Props {
  fields: Fields;
  defaults: Settings;
  settings: Settings;
  onChange: (settings: Settings) => void;
  fixed?: string[];
}

export function SettingsForm({ fields, defaults, settings, onChange, fixed = [] }: Props) {
  const t = useT();
  const [find, setFind] = useState("");
  const shown = Object.keys(defaults).filter((name) => name.toLowerCase().includes(find.toLowerCase()));
  return (
    <Stack gap="xs">
      <TextInput
        placeholder={t("offers.find")}
        aria-label={t("offers.find")}
        value={find}
        onChange={(event) => setFind(event.currentTarget.value)}
      />
      <Table.ScrollContainer minWidth={300} mah={360} style={{ overflowY: "auto" }}>
        <Table className="data" aria-label={t("offers.settings")}>
          <Table.Tbody>
            {shown.map((name) => (
              <Table.Tr key={name}>
                <Table.Td>
                  <Text size="sm">{name}</Text>
                </Table.Td>
                <Table.Td w={250}>
                  <Field
                    name={name}
                    field={fields[name] ?? { kind: "text", choices: [], optional: false }}
                    value={name in settings ? settings[name] : defaults[name]}
                    off={fixed.includes(name)}
                    put={(value) => onChange({ ...settings, [name]: value })}
                  />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Stack>
  );
}

interface FieldProps {
  name: string;
  field: Schemas["SettingField"];
  value: unknown;
  off: boolean;
  put: (value: unknown) => void;
}

/** MaxDCycle is a power of two: of the time on air that is left. */
function share(exponent: number): string {
  return `${exponent}: 1/${2 ** exponent} (${percent(1 / 2 ** exponent, exponent > 6 ? 4 : 2)})`;
}

function Field({ name, field, value, off, put }: FieldProps) {
  const t = useT();
  const common = { size: "xs", "aria-label": name, disabled: off } as const;
  const absent = field.optional ? t("offers.absent") : undefined;
  const choose = (data: { value: string; label: string }[], convert: (text: string) => unknown) => (
    <Select
      {...common}
      placeholder={absent}
      clearable={field.optional && !off}
      allowDeselect={false}
      searchable={data.length > 8}
      value={value === null || value === undefined ? null : plain(value)}
      onChange={(given) => put(given === null ? null : convert(given))}
      data={data}
    />
  );
  if (field.kind === "boolean")
    return choose(
      [
        { value: "true", label: t("common.yes") },
        { value: "false", label: t("common.no") },
      ],
      (text) => text === "true",
    );
  if (field.kind === "choice")
    return choose(
      (field.choices ?? []).map((word) => ({ value: word, label: word })),
      (text) => text,
    );
  if (name === "maxDutyCycle") {
    const exponents = [...new Set([...Array(16).keys(), ...(typeof value === "number" ? [value] : [])])];
    return choose(
      exponents.map((exponent) => ({
        value: String(exponent),
        label: exponent === 0 ? `0: ${t("offers.noLimit")}` : share(exponent),
      })),
      Number,
    );
  }
  if (field.kind === "integer" || field.kind === "number") {
    const bounds = { min: field.least ?? undefined, max: field.most ?? undefined };
    return (
      <NumberField
        {...common}
        {...bounds}
        clampBehavior="none"
        allowDecimal={field.kind === "number"}
        placeholder={absent}
        suffix={field.unit ? ` ${field.unit}` : undefined}
        description={range(bounds.min, bounds.max)}
        inputWrapperOrder={["input", "description"]}
        value={value as number | null}
        onChange={(given) => put(given === null && !field.optional ? undefined : given)}
      />
    );
  }
  if (field.kind === "list") return <TagsInput {...common} value={(value as string[] | null) ?? []} onChange={put} />;
  if (field.kind === "object") return <Json {...common} placeholder={absent} value={value} put={put} />;
  const text = typeof value === "string" ? value : "";
  const wrong = field.pattern && text !== "" && !new RegExp(field.pattern).test(text);
  return (
    <TextInput
      {...common}
      placeholder={absent}
      value={text}
      error={wrong ? t("offers.wrong") : undefined}
      onChange={(event) => put(event.currentTarget.value === "" && field.optional ? null : event.currentTarget.value)}
    />
  );
}

function range(least: number | undefined, most: number | undefined): string | undefined {
  return least === undefined ? undefined : most === undefined ? `≥ ${least}` : `${least} – ${most}`;
}

function Json({ value, put, ...rest }: { value: unknown; put: (value: unknown) => void; placeholder?: string }) {
  const t = useT();
  const [text, setText] = useState(value === null || value === undefined ? "" : JSON.stringify(value));
  const [wrong, setWrong] = useState(false);
  const type = (given: string) => {
    setText(given);
    try {
      put(given.trim() === "" ? null : (JSON.parse(given) as unknown));
      setWrong(false);
    } catch {
      setWrong(true);
    }
  };
  return (
    <TextInput
      {...rest}
      value={text}
      error={wrong && t("downlinks.object")}
      onChange={(event) => type(event.currentTarget.value)}
    />
  );
}
