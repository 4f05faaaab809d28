// Where the messages of some ports go, and how.
import { ActionIcon, Group, Select, Stack, TagsInput, TextInput } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import type { Schemas } from "../../api/client";
import { IfMayChange, Panel } from "../../components/basics";
import { NumberField } from "../../components/NumberField";
import { useT } from "../../text";
import { PasswordField } from "../../components/PasswordField";

export type Route = Schemas["Route"];

interface Props {
  number: number;
  route: Route;
  isNew: boolean;
  onChange: (part: Partial<Route>) => void;
  onRemove: () => void;
}

export function RouteFields({ number, route, isNew, onChange, onRemove }: Props) {
  const t = useT();
  return (
    <Panel
      title={t("routing.route", { number })}
      right={
        <IfMayChange>
          <ActionIcon variant="subtle" color="red" aria-label={t("routing.removeRoute", { number })} onClick={onRemove}>
            <IconTrash size={16} />
          </ActionIcon>
        </IfMayChange>
      }
    >
      <Stack gap="sm">
        <TagsInput
          label={t("routing.addresses")}
          description={t("routing.addressesText")}
          placeholder="https://as.example/uplink"
          value={route.addresses ?? []}
          onChange={(addresses) => onChange({ addresses })}
        />
        <Group grow align="flex-start">
          <TextInput
            label={t("routing.ports")}
            description={t("routing.portsText")}
            value={route.sourcePorts ?? ""}
            onChange={(event) => onChange({ sourcePorts: event.currentTarget.value })}
          />
          <Select
            label={t("routing.strategy")}
            description={t(`routing.${route.strategy ?? "SEQUENTIAL"}`)}
            allowDeselect={false}
            data={(["SEQUENTIAL", "BLAST"] as const).map((value) => ({ value, label: t(`routing.short.${value}`) }))}
            value={route.strategy ?? "SEQUENTIAL"}
            onChange={(value) => onChange({ strategy: value as Route["strategy"] })}
          />
          <Select
            label={t("routing.contentType")}
            allowDeselect={false}
            data={["JSON", "XML"]}
            value={route.contentType ?? "XML"}
            onChange={(value) => onChange({ contentType: value as Route["contentType"] })}
          />
        </Group>
        <Server route={route} isNew={isNew} onChange={onChange} />
      </Stack>
    </Panel>
  );
}

/** As whom and with which key messages are signed, and how far a clock may be off. */
function Server({ route, isNew, onChange }: Pick<Props, "route" | "isNew" | "onChange">) {
  const t = useT();
  return (
    <Group grow align="flex-start">
      <TextInput
        label="AS ID"
        value={route.asId ?? ""}
        onChange={(event) => onChange({ asId: event.currentTarget.value })}
      />
      <PasswordField
        label={t("routing.key")}
        description={isNew ? t("routing.keyText") : t("routing.keyKept")}
        value={route.asKey ?? ""}
        onChange={(asKey) => onChange({ asKey })}
        autoComplete="new-password"
      />
      <NumberField
        label={t("routing.deviation")}
        description={t("routing.deviationText")}
        value={route.maxDeviation}
        onChange={(value) => onChange({ maxDeviation: value ?? undefined })}
        min={0}
      />
    </Group>
  );
}
