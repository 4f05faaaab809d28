// A plan or a device profile: made, copied or changed.
import { Button, Group, Select, Stack, TextInput } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { anyMembers } from "../../api/client";
import { same, useDraft } from "../../components/edits";
import { useT, type Key } from "../../text";
import { SettingsForm, type Fields, type Settings } from "./SettingsForm";
import { planGroups, profileGroups, type SettingGroup } from "./settingTexts";
import { useSaveDeviceProfile, useSavePlan, type Communication } from "./api";
import { NameField } from "../../components/NameField";
import { useSaving } from "../../components/saving";

export interface Offer {
  ref?: string;
  id: string;
  name: string;
  settings: Settings;
  /** Of plans. */
  communicationType?: Communication;
}

export type OfferKind = "plans" | "deviceProfiles";

const kinds = {
  plans: { groups: planGroups, example: "acme-cs/basic", fixed: [], saved: "plans.saved" },
  deviceProfiles: {
    groups: profileGroups,
    example: "ACME/Sensor.1_ETSI",
    fixed: ["loRaWANMacVersion", "region"],
    saved: "profiles.saved",
  },
} as const;

export function changed(settings: Settings, defaults: Settings): [string, unknown][] {
  return Object.entries(settings).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(defaults[name]));
}

interface Props {
  kind: OfferKind;
  /** What is changed, or copied if it has no ref. */
  offer?: Offer;
  defaults: Settings;
  fields: Fields;
}

interface Named {
  id: string;
  name: string;
  settings: Settings;
}

interface FieldsProps {
  begun: Named;
  /** One that there is keeps its id. */
  isNew: boolean;
  /** Of an id. */
  example: string;
  groups: SettingGroup[];
  fields: Fields;
  defaults: Settings;
  /** The settings that cannot be changed. */
  fixed?: string[];
  /** Is given those settings that differ from the defaults. */
  save: (body: Omit<Named, "settings"> & { settings: ReturnType<typeof anyMembers> }) => Promise<unknown>;
  /** What is said once it is saved. */
  told: Key;
  /** Below id and name. */
  children?: ReactNode;
}

/** Id, name and settings of a plan or profile. */
export function OfferFields({ begun, isNew, example, save, told, children, ...settings }: FieldsProps) {
  const t = useT();
  const [form, put] = useState(begun);
  const store = useSaving(!same(form, begun));
  const submit = () => {
    const wanted = changed(form.settings, settings.defaults).filter(([, value]) => value !== undefined);
    return store(save({ ...form, settings: anyMembers(Object.fromEntries(wanted)) }), t(told));
  };
  return (
    <Stack>
      <Group grow align="flex-start">
        <TextInput
          label="ID"
          placeholder={example}
          value={form.id}
          onChange={(event) => put({ ...form, id: event.currentTarget.value })}
          required
          disabled={!isNew}
        />
        <NameField value={form.name} onChange={(name) => put({ ...form, name })} />
      </Group>
      {children}
      <SettingsForm {...settings} settings={form.settings} onChange={(next) => put({ ...form, settings: next })} />
      <Button onClick={() => void submit()} disabled={!form.id || !form.name}>
        {t("common.save")}
      </Button>
    </Stack>
  );
}

export function OfferForm({ kind, offer, defaults, fields }: Props) {
  const { groups, example, fixed, saved: told } = kinds[kind];
  const ref = offer?.ref;
  const plan = useSavePlan(ref);
  const profile = useSaveDeviceProfile(ref);
  const [communicationType, setCommunication, communicationSaved] = useDraft<Communication>(
    offer?.communicationType ?? "UNICAST",
  );
  const { id, name, settings }: Offer = offer ?? { id: "", name: "", settings: defaults };
  return (
    <OfferFields
      begun={{ id, name, settings }}
      isNew={ref === undefined}
      example={example}
      groups={groups}
      fields={fields}
      defaults={defaults}
      fixed={ref === undefined ? [] : [...fixed]}
      save={async (body) => {
        if (kind !== "plans") return profile.mutateAsync(body);
        const made = await plan.mutateAsync({ ...body, communicationType });
        communicationSaved();
        return made;
      }}
      told={told}
    >
      {kind === "plans" && ref === undefined && (
        <CommunicationChoice value={communicationType} onChange={setCommunication} />
      )}
    </OfferFields>
  );
}

/** Whom a plan is for: a device, or a multicast group. */
function CommunicationChoice({ value, onChange }: { value: Communication; onChange: (kind: Communication) => void }) {
  const t = useT();
  return (
    <Select
      label={t("plans.communication")}
      description={t("plans.communicationText")}
      allowDeselect={false}
      data={[
        { value: "UNICAST", label: t("plans.UNICAST") },
        { value: "MULTICAST", label: t("plans.MULTICAST") },
      ]}
      value={value}
      onChange={(kind) => onChange(kind === "MULTICAST" ? "MULTICAST" : "UNICAST")}
    />
  );
}
