// The settings of a plan or a device profile: a field for each, of the kind that the server says.
import { Box, Select, SimpleGrid, Stack, TagsInput, Text, TextInput, Title } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { NumberField } from "../../components/NumberField";
import { percent, plain } from "../../format";
import { useT, useTexts, type Texts } from "../../text";
import { choiceText } from "./choiceTexts";
import type { SettingGroup } from "./settingTexts";

export type Settings = Record<string, unknown>;
export type Fields = Record<string, Schemas["SettingField"]>;

interface Props {
  groups: SettingGroup[];
  fields: Fields;
  defaults: Settings;
  settings: Settings;
  onChange: (settings: Settings) => void;
  fixed?: string[];
}

/** All settings by group, also those that the texts do not know yet. */
function withOthers(groups: SettingGroup[], names: string[], title: string): SettingGroup[] {
  const known = new Set(groups.flatMap((group) => Object.keys(group.settings)));
  const others = names.filter((name) => !known.has(name));
  if (!others.length) return groups;
  const settings: SettingGroup["settings"] = {};
  for (const name of others) settings[name] = { en: [name, ""], nl: [name, ""] };
  return [...groups, { title: { en: title, nl: title }, settings }];
}

export function SettingsForm({ groups, fields, defaults, settings, onChange, fixed = [] }: Props) {
  const { t, language } = useTexts();
  const [find, setFind] = useState("");
  const all = withOthers(groups, Object.keys(defaults), t("offers.others"));
  const matches = (text: string) => text.toLowerCase().includes(find.toLowerCase());
  const shown = all.flatMap((group) => {
    const names = Object.entries(group.settings).filter(
      ([name, texts]) => name in defaults && matches(`${name} ${texts[language].join(" ")}`),
    );
    return names.length ? [{ title: group.title[language], names }] : [];
  });
  return (
    <Stack gap="xs">
      <TextInput
        placeholder={t("offers.find")}
        aria-label={t("offers.find")}
        value={find}
        onChange={(event) => setFind(event.currentTarget.value)}
      />
      <Stack
        gap="lg"
        mah={420}
        style={{ overflowY: "auto" }}
        p={4}
        tabIndex={0}
        role="group"
        aria-label={t("offers.settings")}
      >
        {shown.map(({ title, names }) => (
          <Box key={title}>
            <Title order={3} size="h6" mb={6}>
              {title}
            </Title>
            <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md" verticalSpacing="sm">
              {names.map(([name, texts]) => (
                <Field
                  key={name}
                  name={name}
                  texts={texts[language]}
                  field={fields[name] ?? { kind: "text", choices: [], optional: false }}
                  value={name in settings ? settings[name] : defaults[name]}
                  off={fixed.includes(name)}
                  put={(value) => onChange({ ...settings, [name]: value })}
                />
              ))}
            </SimpleGrid>
          </Box>
        ))}
        {!shown.length && (
          <Text size="sm" c="dimmed">
            {t("table.nothing")}
          </Text>
        )}
      </Stack>
    </Stack>
  );
}

interface FieldProps {
  name: string;
  texts: [label: string, help: string];
  field: Schemas["SettingField"];
  value: unknown;
  off: boolean;
  put: (value: unknown) => void;
}

/** MaxDCycle is a power of two: of the time on air that is left. */
function share(exponent: number): string {
  return `${exponent}: 1/${2 ** exponent} (${percent(1 / 2 ** exponent, exponent > 6 ? 4 : 2)})`;
}

interface Choice {
  data: { value: string; label: string }[];
  read: (chosen: string) => unknown;
}

/** Where a setting has one of a few values: those, and how a chosen one is stored. */
function choicesOf({ name, field, value }: FieldProps, { t, language }: Texts): Choice | null {
  if (field.kind === "boolean")
    return {
      data: [
        { value: "true", label: t("common.yes") },
        { value: "false", label: t("common.no") },
      ],
      read: (text) => text === "true",
    };
  if (field.kind === "choice")
    return {
      data: (field.choices ?? []).map((word) => ({ value: word, label: choiceText(name, word, language) })),
      read: (text) => text,
    };
  if (name !== "maxDutyCycle") return null;
  const exponents = [...new Set([...Array(16).keys(), ...(typeof value === "number" ? [value] : [])])];
  return {
    data: exponents.map((exponent) => ({
      value: String(exponent),
      label: exponent === 0 ? `0: ${t("offers.noLimit")}` : share(exponent),
    })),
    read: Number,
  };
}

function Field(props: FieldProps) {
  const {
    name,
    texts: [label, help],
    field,
    value,
    off,
    put,
  } = props;
  const texts = useTexts();
  const { t } = texts;
  const bounds = { min: field.least ?? undefined, max: field.most ?? undefined };
  const description = [help, range(bounds.min, bounds.max), label === name ? "" : name].filter(Boolean).join(" · ");
  const common = { size: "xs", label, description, disabled: off } as const;
  const absent = field.optional ? t("offers.absent") : undefined;
  const choice = choicesOf(props, texts);
  if (choice)
    return (
      <Select
        {...common}
        placeholder={absent}
        clearable={field.optional && !off}
        allowDeselect={false}
        searchable={choice.data.length > 8}
        value={value === null || value === undefined ? null : plain(value)}
        onChange={(given) => put(given === null ? null : choice.read(given))}
        data={choice.data}
      />
    );
  if (field.kind === "integer" || field.kind === "number") {
    return (
      <NumberField
        {...common}
        {...bounds}
        clampBehavior="none"
        allowDecimal={field.kind === "number"}
        placeholder={absent}
        suffix={field.unit ? ` ${field.unit}` : undefined}
        value={value as number | null}
        onChange={(given) => put(given === null && !field.optional ? undefined : given)}
      />
    );
  }
  if (field.kind === "list") return <TagsInput {...common} value={(value as string[] | null) ?? []} onChange={put} />;
  if (field.kind === "object") return <Pairs {...common} value={value} put={put} />;
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

interface PairsProps {
  label: string;
  description: string;
  size: "xs";
  disabled: boolean;
  value: unknown;
  put: (value: unknown) => void;
}

/** Names and values, a line for each pair. */
function Pairs({ value, put, ...rest }: PairsProps) {
  const t = useT();
  const [wrong, setWrong] = useState(false);
  const pairs = Object.entries((value as Record<string, string> | null) ?? {}).map(([name, of]) => `${name}=${of}`);
  const type = (given: string[]) => {
    const cut = given.map((pair) => /^([^=]+)=(.*)$/.exec(pair)).filter((pair) => pair !== null);
    setWrong(cut.length < given.length);
    put(cut.length ? Object.fromEntries(cut.map(([, name, of]) => [name?.trim(), of?.trim()])) : null);
  };
  return <TagsInput {...rest} error={wrong && t("offers.pairs")} value={pairs} onChange={type} placeholder="port=2" />;
}
