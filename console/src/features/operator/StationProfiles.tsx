// Base station profiles: what base stations of a kind hear and how they send.
import { Alert, Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { anyMembers, type Schemas } from "../../api/client";
import { IfMayChange, Loading, Mono, Panel, Problem, blocking } from "../../components/basics";
import { useTell } from "../../components/notify";
import { closeDialogs, openDialog } from "../../components/dialogs";
import { same, useUnsaved } from "../../components/edits";
import { plain } from "../../format";
import { useT, useTexts } from "../../text";
import { useDefaults, useRemoveStationProfile, useSaveStationProfile, useStationProfiles } from "./api";
import { useStationProfileUses } from "./api";
import { changed } from "./OfferForm";
import { SettingsForm, type Settings } from "./SettingsForm";
import { stationProfileGroups } from "./settingTexts";

type Profile = Schemas["StationProfile"];

export function StationProfiles() {
  const { t, language } = useTexts();
  const found = useStationProfiles();
  const defaults = useDefaults();
  if (blocking(found)) return <Problem error={found.error} />;
  if (!found.data || !defaults.data) return <Loading rows={2} />;
  const standard = defaults.data.stationProfile as Settings;
  const labels = Object.assign({}, ...stationProfileGroups.map((group) => group.settings)) as Record<
    string,
    (typeof stationProfileGroups)[number]["settings"][string]
  >;
  const open = (profile?: Profile) =>
    openDialog(profile?.name ?? t("stationProfiles.new"), <StationProfileForm profile={profile} />, { size: "xl" });
  return (
    <Panel
      title={t("stationProfiles.title")}
      right={
        <IfMayChange>
          <Button size="compact-sm" variant="default" aria-haspopup="dialog" onClick={() => open()}>
            {t("stationProfiles.new")}
          </Button>
        </IfMayChange>
      }
    >
      <Stack gap="sm">
        {found.data.map((profile) => (
          <Group key={profile.ref} justify="space-between" gap={8}>
            <div>
              <Text size="sm" fw={600}>
                {profile.name} <Mono>{profile.id}</Mono>
              </Text>
              <Text size="xs" c="dimmed">
                {[
                  t("stationProfiles.used", { count: profile.baseStations }),
                  ...changed(profile.settings as Settings, standard).map(
                    ([name, value]) =>
                      `${labels[name]?.[language][0] ?? name}: ${typeof value === "boolean" ? t(value ? "common.yes" : "common.no") : plain(value)}`,
                  ),
                ].join(" · ")}
              </Text>
            </div>
            <IfMayChange>
              <Group gap={4}>
                <Button
                  size="compact-sm"
                  variant="default"
                  aria-label={`${t("common.edit")} ${profile.name}`}
                  aria-haspopup="dialog"
                  onClick={() => open(profile)}
                >
                  {t("common.edit")}
                </Button>
                {profile.id !== "default" && (
                  <Button
                    size="compact-sm"
                    variant="subtle"
                    color="red"
                    aria-label={`${t("common.delete")} ${profile.name}`}
                    aria-haspopup="dialog"
                    onClick={() => openDialog(profile.name, <Removal profile={profile} />)}
                  >
                    {t("common.delete")}
                  </Button>
                )}
              </Group>
            </IfMayChange>
          </Group>
        ))}
      </Stack>
    </Panel>
  );
}

function StationProfileForm({ profile }: { profile?: Profile }) {
  const t = useT();
  const { run } = useTell();
  const defaults = useDefaults();
  const saving = useSaveStationProfile(profile?.ref);
  const begun = { id: profile?.id ?? "", name: profile?.name ?? "", settings: (profile?.settings ?? {}) as Settings };
  const [form, put] = useState(begun);
  const saved = useUnsaved(!same(form, begun));
  if (!defaults.data) return <Loading rows={3} />;
  const standard = defaults.data.stationProfile as Settings;
  const save = async () => {
    const wanted = changed(form.settings, standard).filter(([, value]) => value !== undefined);
    const body = { ...form, settings: anyMembers(Object.fromEntries(wanted)) };
    if (!(await run<unknown>(saving.mutateAsync(body), t("profiles.saved")))) return;
    saved();
    closeDialogs();
  };
  return (
    <Stack>
      <Group grow>
        <TextInput
          label="ID"
          placeholder="roof"
          value={form.id}
          onChange={(event) => put({ ...form, id: event.currentTarget.value })}
          required
          disabled={profile !== undefined}
        />
        <TextInput
          label={t("common.name")}
          value={form.name}
          onChange={(event) => put({ ...form, name: event.currentTarget.value })}
          required
        />
      </Group>
      <SettingsForm
        groups={stationProfileGroups}
        fields={defaults.data.stationProfileFields}
        defaults={standard}
        settings={form.settings}
        onChange={(settings) => put({ ...form, settings })}
      />
      <Button onClick={() => void save()} disabled={!form.id || !form.name}>
        {t("common.save")}
      </Button>
    </Stack>
  );
}

function Removal({ profile }: { profile: Profile }) {
  const t = useT();
  const { run } = useTell();
  const uses = useStationProfileUses(profile.ref);
  const removal = useRemoveStationProfile(profile.ref);
  if (blocking(uses)) return <Problem error={uses.error} />;
  if (!uses.data) return <Loading rows={2} />;
  const { count, baseStations } = uses.data;
  const remove = async () => {
    const moveTo = count ? "default" : undefined;
    if (await run<unknown>(removal.mutateAsync(moveTo), t("offers.removed"))) closeDialogs();
  };
  return (
    <Stack>
      {count > 0 ? (
        <Alert color="orange" title={t("stationProfiles.used", { count })}>
          {baseStations.map((station) => station.name).join(", ")}. {t("stationProfiles.moved")}
        </Alert>
      ) : (
        <Text size="sm">{t("stationProfiles.used", { count })}</Text>
      )}
      <Group justify="flex-end">
        <Button variant="default" onClick={() => closeDialogs()} data-autofocus>
          {t("common.cancel")}
        </Button>
        <Button color="red.9" loading={removal.isPending} onClick={() => void remove()}>
          {t("common.delete")}
        </Button>
      </Group>
    </Stack>
  );
}
