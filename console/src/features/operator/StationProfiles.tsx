// Base station profiles: what base stations of a kind hear and how they send.
import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import type { Schemas } from "../../api/client";
import { IfMayChange, Loading, Mono, Panel, Problem, blocking } from "../../components/basics";
import { Unreadable } from "../../components/Unreadable";
import { useTell } from "../../components/notify";
import { closeDialogs, openDialog } from "../../components/dialogs";
import { RowButton, RowRemoval } from "../../components/actions";
import { useT } from "../../text";
import { useDefaults, useRemoveStationProfile, useSaveStationProfile, useStationProfiles } from "./api";
import { useStationProfileUses } from "./api";
import { useDifferences } from "./differences";
import { OfferFields } from "./OfferForm";
import type { Settings } from "./SettingsForm";
import { stationProfileGroups } from "./settingTexts";

type Profile = Schemas["StationProfile"];

export function StationProfiles() {
  const t = useT();
  const found = useStationProfiles();
  const defaults = useDefaults();
  if (blocking(found)) return <Problem error={found.error} />;
  if (!found.data || !defaults.data) return <Loading rows={2} />;
  const standard = defaults.data.stationProfile as Settings;
  const open = (profile?: Profile) =>
    openDialog(profile?.name ?? t("stationProfiles.new"), <StationProfileForm profile={profile} />, { size: "xl" });
  return (
    <Panel
      title={t("stationProfiles.title")}
      right={
        <IfMayChange>
          <RowButton onClick={() => open()}>{t("stationProfiles.new")}</RowButton>
        </IfMayChange>
      }
    >
      <Stack gap="sm">
        {!found.data.length && (
          <Text size="sm" c="dimmed">
            {t("stationProfiles.none")}
          </Text>
        )}
        {found.data.map((profile) => (
          <OneProfile key={profile.ref} profile={profile} standard={standard} onEdit={() => open(profile)} />
        ))}
      </Stack>
    </Panel>
  );
}

interface OneProps {
  profile: Profile;
  standard: Settings;
  onEdit: () => void;
}

function OneProfile({ profile, standard, onEdit }: OneProps) {
  const t = useT();
  const differences = useDifferences(stationProfileGroups);
  const used = t("stationProfiles.used", { count: profile.baseStations });
  return (
    <Group justify="space-between" gap={8}>
      <div>
        <Text size="sm" fw={600}>
          {profile.name} <Mono>{profile.id}</Mono>
        </Text>
        <Text size="xs" c="dimmed">
          {[used, ...(profile.problem ? [] : differences(profile.settings, standard))].join(" · ")}
        </Text>
        <Unreadable of={profile} />
      </div>
      <IfMayChange>
        <Group gap={4}>
          <RowButton aria-label={`${t("common.edit")} ${profile.name}`} onClick={onEdit}>
            {t("common.edit")}
          </RowButton>
          {profile.id !== "default" && (
            <RowRemoval
              aria-label={`${t("common.delete")} ${profile.name}`}
              onClick={() => openDialog(profile.name, <Removal profile={profile} />)}
            >
              {t("common.delete")}
            </RowRemoval>
          )}
        </Group>
      </IfMayChange>
    </Group>
  );
}

function StationProfileForm({ profile }: { profile?: Profile }) {
  const defaults = useDefaults();
  const saving = useSaveStationProfile(profile?.ref);
  if (!defaults.data) return <Loading rows={3} />;
  return (
    <OfferFields
      begun={{ id: profile?.id ?? "", name: profile?.name ?? "", settings: profile?.settings ?? {} }}
      isNew={profile === undefined}
      example="roof"
      groups={stationProfileGroups}
      fields={defaults.data.stationProfileFields}
      defaults={defaults.data.stationProfile}
      save={(body) => saving.mutateAsync(body)}
      told="stationProfiles.saved"
    />
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
    if (await run<unknown>(removal.mutateAsync(moveTo), t("offers.removed", { name: profile.name }))) closeDialogs();
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
