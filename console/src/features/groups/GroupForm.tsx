// The form of a multicast group: a new one, or what may change of one.
import { ActionIcon, Button, Group, Select, Stack, TagsInput, TextInput, Tooltip } from "@mantine/core";
import { IconDice5 } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { options, useHsmGroups } from "../../api/catalogues";
import { NameField } from "../../components/NameField";
import { NumberField } from "../../components/NumberField";
import { useSaving } from "../../components/saving";
import { randomHex } from "../../identifiers";
import { useT } from "../../text";
import { useRoutingProfiles } from "../routing/api";
import { useGroupPlans, useSaveGroup, useStationTags, type MulticastGroup } from "./api";

const periods = ["1", "2", "4", "8", "16", "32", "64", "128"];
const coverages = ["ALL", "TAGS", "MEMBERS"] as const;

interface Part {
  form: MulticastGroup;
  change: (part: MulticastGroup) => void;
}

const fresh = (): MulticastGroup => ({ deviceClass: "C", baseStationCoverage: "ALL", multicastKey: randomHex(16) });

/** What may change of a group. */
function changeable(form: MulticastGroup): MulticastGroup {
  const { name, connectivityPlanId, routingProfileId, downlinkFrequency, downlinkDataRate } = form;
  const { baseStationCoverage, baseStationTags } = form;
  return {
    name,
    connectivityPlanId,
    routingProfileId,
    downlinkFrequency,
    downlinkDataRate,
    baseStationCoverage,
    baseStationTags,
  };
}

export function GroupForm({ group }: { group: MulticastGroup | null }) {
  const t = useT();
  const navigate = useNavigate();
  const [first] = useState(() => group ?? fresh());
  const [form, setForm] = useState(first);
  const saving = useSaveGroup(group?.ref ?? null);
  const save = useSaving(form !== first);
  const change = (part: MulticastGroup) => setForm({ ...form, ...part });
  const complete = form.name?.trim() && (group || (form.EUI && (form.multicastKey || form.hsmGroupId)));
  const submit = async () => {
    const body = group ? changeable(form) : form;
    const answer = await save(saving.mutateAsync(body), group ? t("groups.saved") : t("groups.created"));
    if (!group && answer?.data?.ref) void navigate({ to: "/groups/$ref", params: { ref: answer.data.ref } });
  };
  return (
    <Stack>
      <NameField value={form.name ?? ""} onChange={(name) => change({ name })} data-autofocus />
      {!group && <Identity form={form} change={change} />}
      <Service form={form} change={change} />
      <Radio form={form} change={change} />
      <Stations form={form} change={change} />
      <Button loading={saving.isPending} disabled={!complete} onClick={() => void submit()}>
        {group ? t("common.save") : t("common.create")}
      </Button>
    </Stack>
  );
}

/** What the devices of the group know, and what cannot change. */
function Identity({ form, change }: Part) {
  const t = useT();
  return (
    <>
      <TextInput
        label="DevEUI"
        description={t("groups.euiText")}
        value={form.EUI ?? ""}
        onChange={(event) => change({ EUI: event.currentTarget.value.trim() })}
        maxLength={23}
      />
      <TextInput
        label="DevAddr"
        description={t("groups.addressText")}
        value={form.networkAddress ?? ""}
        onChange={(event) => change({ networkAddress: event.currentTarget.value.trim() || undefined })}
        maxLength={8}
      />
      <Keys form={form} change={change} />
      <Group grow align="start">
        <Select
          label={t("groups.class")}
          data={["C", "B"]}
          allowDeselect={false}
          value={form.deviceClass ?? "C"}
          onChange={(value) =>
            change(
              value === "B" ? { deviceClass: "B", pingSlotPeriod: 32 } : { deviceClass: "C", pingSlotPeriod: null },
            )
          }
        />
        {form.deviceClass === "B" && (
          <Select
            label={t("groups.pingPeriod")}
            data={periods}
            allowDeselect={false}
            value={String(form.pingSlotPeriod ?? 32)}
            onChange={(value) => change({ pingSlotPeriod: Number(value) })}
          />
        )}
      </Group>
    </>
  );
}

/** A McKey, or the HSM group whose vault makes one. */
function Keys({ form, change }: Part) {
  const t = useT();
  const hsmGroups = useHsmGroups();
  return (
    <>
      {hsmGroups.length > 0 && (
        <Select
          label={t("device.hsm")}
          description={t("groups.hsmText")}
          clearable
          data={options(hsmGroups)}
          value={form.hsmGroupId ?? null}
          onChange={(value) =>
            change({ hsmGroupId: value ?? undefined, multicastKey: value ? undefined : randomHex(16) })
          }
        />
      )}
      {!form.hsmGroupId && <KeyField form={form} change={change} />}
    </>
  );
}

function KeyField({ form, change }: Part) {
  const t = useT();
  return (
    <TextInput
      label="McKey"
      description={t("groups.keyText")}
      value={form.multicastKey ?? ""}
      onChange={(event) => change({ multicastKey: event.currentTarget.value.trim() })}
      maxLength={32}
      rightSection={
        <Tooltip label={t("newDevice.generate")}>
          <ActionIcon
            variant="subtle"
            aria-label={t("newDevice.generate")}
            onClick={() => change({ multicastKey: randomHex(16) })}
          >
            <IconDice5 size={16} />
          </ActionIcon>
        </Tooltip>
      }
    />
  );
}

function Service({ form, change }: Part) {
  const t = useT();
  const plans = useGroupPlans();
  const routings = useRoutingProfiles().data ?? [];
  return (
    <>
      <Select
        label={t("groups.plan")}
        description={plans && !plans.length ? t("groups.noPlan") : t("groups.planText")}
        data={(plans ?? []).map((plan) => ({ value: plan.id, label: plan.name }))}
        value={form.connectivityPlanId ?? null}
        onChange={(value) => change({ connectivityPlanId: value ?? undefined })}
      />
      <Select
        label={t("groups.routing")}
        description={t("groups.routingText")}
        clearable
        data={routings.map((one) => ({ value: one.id ?? "", label: one.name ?? "" }))}
        value={form.routingProfileId ?? null}
        onChange={(value) => change({ routingProfileId: value })}
      />
    </>
  );
}

function Radio({ form, change }: Part) {
  const t = useT();
  return (
    <Group grow align="start">
      <NumberField
        label={t("groups.frequency")}
        placeholder={t("groups.ofRegion")}
        value={form.downlinkFrequency}
        onChange={(downlinkFrequency) => change({ downlinkFrequency })}
        decimalScale={6}
        min={0}
      />
      <NumberField
        label={t("groups.dataRate")}
        placeholder={t("groups.ofRegion")}
        value={form.downlinkDataRate}
        onChange={(downlinkDataRate) => change({ downlinkDataRate })}
        min={0}
        max={15}
        allowDecimal={false}
      />
    </Group>
  );
}

function Stations({ form, change }: Part) {
  const t = useT();
  const tags = useStationTags();
  const coverage = form.baseStationCoverage ?? "ALL";
  return (
    <>
      <Select
        label={t("groups.coverage")}
        description={t(`groups.coverageText.${coverage}`)}
        allowDeselect={false}
        data={coverages.map((each) => ({ value: each, label: t(`groups.coverage.${each}`) }))}
        value={coverage}
        onChange={(value) => change({ baseStationCoverage: coverages.find((each) => each === value) })}
      />
      {coverage === "TAGS" && (
        <TagsInput
          label={t("groups.tags")}
          data={tags.map((tag) => tag.name)}
          value={form.baseStationTags ?? []}
          onChange={(baseStationTags) => change({ baseStationTags })}
        />
      )}
    </>
  );
}
