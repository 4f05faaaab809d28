import { Checkbox, SegmentedControl, Select, Stack } from "@mantine/core";
import { options, useHsmGroups, usePlans, useProfiles, useRouting } from "../../api/catalogues";
import { useT } from "../../text";
import { useCompleted, type Completed, type NetworkChoice } from "./creating";
import { ModelChoice } from "./ModelChoice";

interface FieldsProps {
  value: NetworkChoice;
  onChange: (value: NetworkChoice) => void;
  /** Whether it is said that the model is missing. */
  missing?: boolean;
}

/** How new devices are connected: model or device profile, plan, routing profile and HSM group. */
export function NetworkFields({ value, onChange, missing = false }: FieldsProps) {
  const t = useT();
  const plans = usePlans();
  const routing = useRouting();
  const shown = useCompleted(value);
  const set = (change: Partial<NetworkChoice>) => onChange({ ...value, ...change });
  return (
    <Stack>
      <ModelOrProfile value={value} profile={shown.profile} set={set} missing={missing} />
      <Select
        label={t("device.plan")}
        placeholder={t("newDevice.firstPlan")}
        clearable
        value={value.plan || null}
        onChange={(plan) => set({ plan: plan ?? "" })}
        data={plans.map((plan) => ({
          value: plan.id,
          label: `${plan.name} (${t("plans.left", { count: plan.grantedConnections - plan.usedConnections })})`,
          disabled: plan.usedConnections >= plan.grantedConnections,
        }))}
      />
      <Select
        label={t("device.routing")}
        placeholder={t("newDevice.noRouting")}
        clearable
        value={shown.routing || null}
        onChange={(chosen) => set({ routing: chosen ?? "" })}
        data={options(routing)}
      />
      <KeyProtection shown={shown} set={set} />
    </Stack>
  );
}

interface PartProps {
  set: (change: Partial<NetworkChoice>) => void;
}

interface ModelProps extends PartProps {
  value: NetworkChoice;
  profile: string;
  missing: boolean;
}

function ModelOrProfile({ value, profile, set, missing }: ModelProps) {
  const t = useT();
  const profiles = useProfiles();
  return (
    <>
      <SegmentedControl
        fullWidth
        styles={{ label: { whiteSpace: "normal", lineHeight: 1.2 } }}
        aria-label={t("model.how")}
        value={value.model === undefined ? "profile" : "model"}
        onChange={(how) => set({ model: how === "model" ? null : undefined })}
        data={[
          { value: "model", label: t("model.fromCatalogue") },
          { value: "profile", label: t("device.profile") },
        ]}
      />
      {value.model === undefined ? (
        <Select
          label={t("device.profile")}
          data={options(profiles)}
          value={profile || null}
          onChange={(chosen) => set({ profile: chosen ?? "" })}
          searchable
          allowDeselect={false}
          required
        />
      ) : (
        <ModelChoice
          value={value.model}
          onChange={(model) => set({ model })}
          error={missing && !value.model ? t("model.missing") : undefined}
        />
      )}
    </>
  );
}

/** The HSM group that keeps the root keys, or none. */
function KeyProtection({ shown, set }: PartProps & { shown: Completed }) {
  const t = useT();
  const groups = useHsmGroups();
  return (
    <>
      <Select
        label={t("device.hsm")}
        data={options(groups)}
        value={shown.plain ? null : shown.group || null}
        onChange={(group) => set({ group: group ?? "" })}
        disabled={shown.plain}
        allowDeselect={false}
      />
      <Checkbox
        checked={shown.plain}
        disabled={groups.length === 0}
        onChange={(event) => set({ plain: event.currentTarget.checked })}
        label={t("newDevice.plain")}
        description={t("newDevice.plainText")}
      />
    </>
  );
}
