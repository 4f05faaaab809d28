// The form of a connection: where messages go, in which dialect, and what its type asks for besides.
import { Button, Checkbox, Group, Select, SimpleGrid, Stack, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { NameField } from "../../components/NameField";
import { PasswordField } from "../../components/PasswordField";
import { Loading, Problem } from "../../components/problem";
import { useSaving } from "../../components/saving";
import { useT } from "../../text";
import { useConnectionKinds, useSaveConnection, type Connection } from "./api";
import {
  changesOf,
  complete,
  dialects,
  fieldsOf,
  headersOf,
  shown,
  valuesOf,
  withKind,
  withPreset,
  type ConnectionFields,
  type Kind,
  type KindField,
} from "./connection";

interface PartProps {
  form: ConnectionFields;
  change: (part: Partial<ConnectionFields>) => void;
}

export function ConnectionForm({ connection }: { connection?: Connection }) {
  const kinds = useConnectionKinds();
  if (kinds.error && !kinds.data) return <Problem error={kinds.error} retry={() => void kinds.refetch()} />;
  if (!kinds.data) return <Loading />;
  return <Fields connection={connection} kinds={kinds.data} />;
}

function Fields({ connection, kinds }: { connection?: Connection; kinds: Kind[] }) {
  const t = useT();
  const [given] = useState(() => fieldsOf(connection ?? {}, kindOf(kinds, connection?.type)));
  const [form, setForm] = useState(given);
  const saving = useSaveConnection(connection?.ref);
  const save = useSaving(form !== given);
  const kind = kindOf(kinds, form.type);
  const change = (part: Partial<ConnectionFields>) => setForm({ ...form, ...part });
  // What is stored of one without a type cannot be read, and is all given again.
  const isNew = !connection?.type;
  const from = isNew ? { ...given, values: valuesOf(kind, {}) } : given;
  const submit = () => void save(saving.mutateAsync(changesOf(form, from, kind, isNew)), t("flows.connectionSaved"));
  return (
    <Stack>
      <NameField value={form.name} onChange={(name) => change({ name })} data-autofocus />
      {!connection && <Presets form={form} change={change} kinds={kinds} />}
      <Where form={form} change={change} isNew={isNew} kinds={kinds} />
      <SimpleGrid cols={{ base: 1, sm: 2 }} verticalSpacing="md">
        {kind.fields
          .filter((field) => shown(field, kind, form))
          .map((field) => (
            <div key={field.name} style={short(field) ? undefined : { gridColumn: "1 / -1" }}>
              <Input field={field} form={form} change={change} />
            </div>
          ))}
      </SimpleGrid>
      {form.dialect !== "THINGPARK" && <Application form={form} change={change} />}
      <Checkbox
        label={t("flows.active")}
        description={t("flows.activeText")}
        checked={form.active}
        onChange={(event) => change({ active: event.currentTarget.checked })}
      />
      <Button loading={saving.isPending} disabled={!complete(form, kind)} onClick={submit}>
        {connection ? t("common.save") : t("common.create")}
      </Button>
    </Stack>
  );
}

function kindOf(kinds: Kind[], type: string | undefined): Kind {
  const found = kinds.find((kind) => kind.type === type) ?? kinds[0];
  if (!found) throw new Error("the server names no types of connection");
  return found;
}

/** Whether two of them stand side by side. */
const short = (field: KindField) =>
  !field.help && !["LINES", "SECRET_LINES", "HEADERS", "BOOLEAN"].includes(field.type);

/** Settings for a cloud or a product, which fill the form. */
function Presets({ form, change, kinds }: PartProps & { kinds: Kind[] }) {
  const t = useT();
  const presets = kinds.flatMap((kind) => kind.presets.map((preset) => ({ kind, preset })));
  const found = presets.find(({ preset }) => preset.id === form.preset);
  return (
    <Select
      label={t("flows.preset")}
      description={found?.preset.help ?? t("flows.presetText")}
      data={presets.map(({ preset }) => ({ value: preset.id, label: preset.title }))}
      value={form.preset}
      onChange={(id) => {
        const wanted = presets.find(({ preset }) => preset.id === id);
        change(wanted ? withPreset(form, wanted.kind, wanted.preset) : { preset: null });
      }}
      clearable
    />
  );
}

function Where({ form, change, isNew, kinds }: PartProps & { isNew: boolean; kinds: Kind[] }) {
  const t = useT();
  const chosen = kindOf(kinds, form.type);
  return (
    <>
      <Group grow align="flex-start" preventGrowOverflow={false}>
        <Select
          label={t("flows.type")}
          data={kinds.map(({ type, title }) => ({ value: type, label: title }))}
          value={form.type}
          onChange={(type) => type && change(withKind(form, kindOf(kinds, type)))}
          allowDeselect={false}
          disabled={!isNew}
        />
        <Select
          label={t("flows.dialect")}
          data={dialects.map((value) => ({ value, label: t(`flows.dialect.${value}`) }))}
          value={form.dialect}
          onChange={(dialect) => dialect && change({ dialect })}
          allowDeselect={false}
        />
      </Group>
      <TextInput
        label={t("flows.address")}
        placeholder={chosen.example}
        value={form.address}
        onChange={(event) => change({ address: event.currentTarget.value })}
        required
      />
    </>
  );
}

/** The input of a field, as its type asks for. */
function Input({ field, form, change }: PartProps & { field: KindField }) {
  const t = useT();
  const value = form.values[field.name] ?? "";
  const set = (next: string | boolean) => change({ values: { ...form.values, [field.name]: next } });
  const shared = { label: field.label, description: field.help || undefined, required: field.required };
  const text = String(value);
  if (field.type === "BOOLEAN")
    return <Checkbox {...shared} checked={value === true} onChange={(event) => set(event.currentTarget.checked)} />;
  if (field.choices.length)
    return (
      <Select
        {...shared}
        data={field.choices}
        value={text}
        onChange={(next) => next !== null && set(next)}
        allowDeselect={false}
      />
    );
  if (field.type === "SECRET")
    return <PasswordField {...shared} autoComplete="new-password" value={text} onChange={set} />;
  if (field.type === "TEXT" || field.type === "NUMBER")
    return (
      <TextInput
        {...shared}
        autoComplete="off"
        inputMode={field.type === "NUMBER" ? "numeric" : undefined}
        value={text}
        onChange={(event) => set(event.currentTarget.value)}
      />
    );
  const wrong = field.type === "HEADERS" && !headersOf(text);
  return (
    <Textarea
      {...shared}
      error={wrong ? t("flows.headersWrong") : undefined}
      placeholder={field.type === "HEADERS" ? "Authorization: Bearer …" : undefined}
      value={text}
      onChange={(event) => set(event.currentTarget.value)}
      minRows={2}
      maxRows={6}
      autosize
    />
  );
}

function Application({ form, change }: PartProps) {
  const t = useT();
  return (
    <Group grow align="flex-start" preventGrowOverflow={false}>
      <TextInput
        label={t("flows.applicationId")}
        value={form.applicationId}
        onChange={(event) => change({ applicationId: event.currentTarget.value })}
      />
      <TextInput
        label={t("flows.tenantId")}
        value={form.tenantId}
        onChange={(event) => change({ tenantId: event.currentTarget.value })}
      />
    </Group>
  );
}
