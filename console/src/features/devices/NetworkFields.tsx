import { Checkbox, SegmentedControl, Select, Stack } from "@mantine/core";
import { options, useHsmGroups, usePlans, useProfiles, useRouting } from "../../api/catalogues";
import { useT } from "../../text";
import { useCompleted, type NetworkChoice } from "./creating";
import { ModelChoice } from "./ModelChoice";

/** How new devices are connected: model or device profile, plan, routing profile and HSM group. */
export function NetworkFields({
  value,
  onChange,
  missing = false,
}: {
  value: NetworkChoice;
  onChange: (value: NetworkChoice) => void;
  /** Whether it is said that the model is missing. */
  missing?: boolean;
}) {
  const t = useT();
  const plans = usePlans();
  const profiles = useProfiles();
  const routing = useRouting();
  const groups = useHsmGroups();
  const shown = useCompleted(value);
  const set = (change: Partial<NetworkChoice>) => onChange({ ...value, ...change });
  return (
    <Stack>
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
          value={shown.profile || null}
          onChange={(profile) => set({ profile: profile ?? "" })}
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
    </Stack>
  );
}
