// The part of the form of a campaign that is about its multicast group.
import { Group, Select } from "@mantine/core";
import type { Schemas } from "../../api/client";
import { NumberField } from "../../components/NumberField";
import { useT } from "../../text";
import { useGroupPlans } from "../groups/api";

const numbers = ["0", "1", "2", "3"];
const periods = ["1", "2", "4", "8", "16", "32", "64", "128"];

/** What is chosen; times in minutes, null where the field is empty. */
export interface GroupChoice {
  deviceClass: "B" | "C";
  connectivityPlanId: string | null;
  pingSlotPeriod: number;
  downlinkFrequency: number | null;
  downlinkDataRate: number | null;
  groupNumber: number;
  fragmentationPort: number | null;
  lead: number | null;
  gathering: number | null;
  sessions: number | null;
}

export const usualGroup: GroupChoice = {
  deviceClass: "C",
  connectivityPlanId: null,
  pingSlotPeriod: 32,
  downlinkFrequency: null,
  downlinkDataRate: null,
  groupNumber: 0,
  fragmentationPort: 201,
  lead: 120,
  gathering: 1440,
  sessions: 2,
};

/** Whether nothing is missing that has no default. */
export function wholeGroup({ fragmentationPort, lead, gathering, sessions }: GroupChoice): boolean {
  return Boolean(fragmentationPort && lead && gathering && sessions);
}

/** As the API takes it. */
export function asked(group: GroupChoice): Schemas["CampaignMulticast"] {
  return {
    ...group,
    region: null,
    pingSlotPeriod: group.deviceClass === "B" ? group.pingSlotPeriod : null,
    fragmentationPort: group.fragmentationPort ?? 0,
    lead: (group.lead ?? 0) * 60,
    gathering: (group.gathering ?? 0) * 60,
    sessions: group.sessions ?? 0,
  };
}

interface Part {
  group: GroupChoice;
  onChange: (group: GroupChoice) => void;
}

export function GroupPart({ group, onChange }: Part) {
  const t = useT();
  const plans = useGroupPlans();
  return (
    <>
      <Select
        label={t("groups.plan")}
        description={plans && !plans.length ? t("groups.noPlan") : t("groups.planText")}
        data={(plans ?? []).map((plan) => ({ value: plan.id, label: plan.name }))}
        value={group.connectivityPlanId}
        onChange={(connectivityPlanId) => onChange({ ...group, connectivityPlanId })}
        clearable
      />
      <Radio group={group} onChange={onChange} />
      <OnDevices group={group} onChange={onChange} />
      <Times group={group} onChange={onChange} />
    </>
  );
}

function Radio({ group, onChange }: Part) {
  const t = useT();
  return (
    <>
      <Group grow align="flex-start">
        <Select
          label={t("groups.class")}
          data={["C", "B"]}
          allowDeselect={false}
          value={group.deviceClass}
          onChange={(value) => onChange({ ...group, deviceClass: value === "B" ? "B" : "C" })}
        />
        {group.deviceClass === "B" && (
          <Select
            label={t("groups.pingPeriod")}
            data={periods}
            allowDeselect={false}
            value={String(group.pingSlotPeriod)}
            onChange={(value) => onChange({ ...group, pingSlotPeriod: Number(value) })}
          />
        )}
      </Group>
      <Group grow align="flex-start">
        <NumberField
          label={t("groups.frequency")}
          placeholder={t("groups.ofRegion")}
          value={group.downlinkFrequency}
          onChange={(downlinkFrequency) => onChange({ ...group, downlinkFrequency })}
          decimalScale={6}
          min={0}
        />
        <NumberField
          label={t("groups.dataRate")}
          placeholder={t("groups.ofRegion")}
          value={group.downlinkDataRate}
          onChange={(downlinkDataRate) => onChange({ ...group, downlinkDataRate })}
          min={0}
          max={15}
          allowDecimal={false}
        />
      </Group>
    </>
  );
}

function OnDevices({ group, onChange }: Part) {
  const t = useT();
  return (
    <Group grow align="flex-start">
      <Select
        label={t("campaigns.groupNumber")}
        description={t("campaigns.groupNumberText")}
        data={numbers}
        allowDeselect={false}
        value={String(group.groupNumber)}
        onChange={(value) => onChange({ ...group, groupNumber: Number(value) })}
      />
      <NumberField
        label={t("campaigns.groupPort")}
        description={t("campaigns.groupPortText")}
        value={group.fragmentationPort}
        onChange={(fragmentationPort) => onChange({ ...group, fragmentationPort })}
        min={1}
        max={223}
        allowDecimal={false}
      />
    </Group>
  );
}

function Times({ group, onChange }: Part) {
  const t = useT();
  return (
    <>
      <NumberField
        label={t("campaigns.gathering")}
        description={t("campaigns.gatheringText")}
        value={group.gathering}
        onChange={(gathering) => onChange({ ...group, gathering })}
        min={1}
        max={43_200}
      />
      <NumberField
        label={t("campaigns.lead")}
        description={t("campaigns.leadText")}
        value={group.lead}
        onChange={(lead) => onChange({ ...group, lead })}
        min={1}
        max={10_080}
      />
      <NumberField
        label={t("campaigns.sessions")}
        description={t("campaigns.sessionsText")}
        value={group.sessions}
        onChange={(sessions) => onChange({ ...group, sessions })}
        min={1}
        max={20}
        allowDecimal={false}
      />
    </>
  );
}
