// The form of a flow: which messages go over which connections, and what is made of them.
import { Button, Checkbox, Group, MultiSelect, Select, Stack, TagsInput, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { options, useProfiles } from "../../api/catalogues";
import { NameField } from "../../components/NameField";
import { useSaving } from "../../components/saving";
import { useT } from "../../text";
import { useDeviceTags } from "../areas/api";
import { useConnections, useSaveFlow, type Flow } from "./api";

const strategies = ["DATAFLOW", "IOT_FLOW", "ROUTE"] as const;

type Form = Required<
  Pick<Flow, "name" | "active" | "tags" | "deviceProfileIds" | "strategies" | "ports" | "driver" | "connectionRefs">
> & { transformation: string };

function formOf(flow: Flow): Form {
  return {
    name: flow.name ?? "",
    active: flow.active ?? true,
    tags: flow.tags ?? [],
    deviceProfileIds: flow.deviceProfileIds ?? [],
    strategies: flow.strategies ?? [],
    ports: flow.ports ?? "*",
    driver: flow.driver ?? "AUTO",
    transformation: flow.transformation ?? "",
    connectionRefs: flow.connectionRefs ?? [],
  };
}

function bodyOf({ transformation, ports, ...form }: Form, given: Form): Flow {
  const expression = transformation.trim();
  return {
    ...form,
    name: form.name.trim(),
    ports: ports.trim() || "*",
    ...(expression ? { transformation: expression } : given.transformation ? { clear: ["transformation"] } : {}),
  };
}

interface PartProps {
  form: Form;
  change: (part: Partial<Form>) => void;
}

export function FlowForm({ flow }: { flow?: Flow }) {
  const t = useT();
  const connections = useConnections().data ?? [];
  const [given] = useState(() => formOf(flow ?? {}));
  const [form, setForm] = useState(given);
  const saving = useSaveFlow(flow?.ref);
  const save = useSaving(form !== given);
  const change = (part: Partial<Form>) => setForm({ ...form, ...part });
  return (
    <Stack>
      <NameField value={form.name} onChange={(name) => change({ name })} data-autofocus />
      <MultiSelect
        label={t("flows.connections")}
        data={connections.map(({ ref, name }) => ({ value: ref ?? "", label: name ?? "" }))}
        value={form.connectionRefs}
        onChange={(connectionRefs) => change({ connectionRefs })}
        maxValues={10}
        required
      />
      <Chosen form={form} change={change} />
      <Made form={form} change={change} />
      <Checkbox
        label={t("flows.active")}
        checked={form.active}
        onChange={(event) => change({ active: event.currentTarget.checked })}
      />
      <Button
        loading={saving.isPending}
        disabled={!form.name.trim() || !form.connectionRefs.length}
        onClick={() => void save(saving.mutateAsync(bodyOf(form, given)), t("flows.saved"))}
      >
        {flow ? t("common.save") : t("common.create")}
      </Button>
    </Stack>
  );
}

function Chosen({ form, change }: PartProps) {
  const t = useT();
  const tags = useDeviceTags();
  const profiles = useProfiles();
  return (
    <>
      <TagsInput
        label={t("flows.tags")}
        description={t("flows.tagsText")}
        data={tags}
        value={form.tags}
        onChange={(chosen) => change({ tags: chosen })}
      />
      <MultiSelect
        label={t("flows.profiles")}
        placeholder={form.deviceProfileIds.length ? undefined : t("flows.all")}
        data={options(profiles)}
        value={form.deviceProfileIds}
        onChange={(deviceProfileIds) => change({ deviceProfileIds })}
        searchable
      />
      <Group grow align="flex-start" preventGrowOverflow={false}>
        <MultiSelect
          label={t("flows.strategies")}
          placeholder={form.strategies.length ? undefined : t("flows.all")}
          data={strategies.map((value) => ({ value, label: t(`flows.strategy.${value}`) }))}
          value={form.strategies}
          onChange={(chosen) => change({ strategies: strategies.filter((each) => chosen.includes(each)) })}
        />
        <TextInput
          label={t("flows.ports")}
          description={t("flows.portsText")}
          value={form.ports}
          onChange={(event) => change({ ports: event.currentTarget.value })}
        />
      </Group>
    </>
  );
}

function Made({ form, change }: PartProps) {
  const t = useT();
  return (
    <>
      <Select
        label={t("flows.driver")}
        data={(["AUTO", "RAW"] as const).map((value) => ({ value, label: t(`flows.driver.${value}`) }))}
        value={form.driver}
        onChange={(driver) => driver && change({ driver })}
        allowDeselect={false}
      />
      <Textarea
        label={t("flows.transformation")}
        description={t("flows.transformationText")}
        placeholder="{id: DevEUI_uplink.DevEUI, value: DevEUI_uplink.payload}"
        value={form.transformation}
        onChange={(event) => change({ transformation: event.currentTarget.value })}
        maxLength={2000}
        minRows={2}
        maxRows={8}
        autosize
      />
    </>
  );
}
