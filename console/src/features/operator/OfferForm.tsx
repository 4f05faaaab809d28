// A plan or a device profile: made, copied or changed.
import { Button, Group, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { anyMembers } from "../../api/client";
import { useTell } from "../../components/notify";
import { closeDialogs } from "../../components/dialogs";
import { same, useUnsaved } from "../../components/edits";
import { useT } from "../../text";
import { SettingsForm, type Fields, type Settings } from "./SettingsForm";
import { planGroups, profileGroups } from "./settingTexts";
import { useSaveDeviceProfile, useSavePlan } from "./api";

export interface Offer {
  ref?: string;
  id: string;
  name: string;
  settings: Settings;
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

export function OfferForm({ kind, offer, defaults, fields }: Props) {
  const t = useT();
  const { run } = useTell();
  const { groups, example, fixed, saved: told } = kinds[kind];
  const ref = offer?.ref;
  const plan = useSavePlan(ref);
  const profile = useSaveDeviceProfile(ref);
  const begun: Offer = offer ?? { id: "", name: "", settings: defaults };
  const [form, put] = useState({ id: begun.id, name: begun.name, settings: begun.settings });
  const saved = useUnsaved(!same(form, { id: begun.id, name: begun.name, settings: begun.settings }));
  const save = async () => {
    const wanted = changed(form.settings, defaults).filter(([, value]) => value !== undefined);
    const body = { ...form, settings: anyMembers(Object.fromEntries(wanted)) };
    const answer = await run<unknown>(kind === "plans" ? plan.mutateAsync(body) : profile.mutateAsync(body), t(told));
    if (!answer) return;
    saved();
    closeDialogs();
  };
  return (
    <Stack>
      <Group grow align="flex-end">
        <TextInput
          label="ID"
          placeholder={example}
          value={form.id}
          onChange={(event) => put({ ...form, id: event.currentTarget.value })}
          required
          disabled={ref !== undefined}
        />
        <TextInput
          label={t("common.name")}
          value={form.name}
          onChange={(event) => put({ ...form, name: event.currentTarget.value })}
          required
        />
      </Group>
      <SettingsForm
        groups={groups}
        fields={fields}
        defaults={defaults}
        settings={form.settings}
        onChange={(settings) => put({ ...form, settings })}
        fixed={ref === undefined ? [] : [...fixed]}
      />
      <Button onClick={() => void save()} disabled={!form.id || !form.name}>
        {t("common.save")}
      </Button>
    </Stack>
  );
}
