// The form of a connection: where messages go, in which dialect, with which credentials.
import { Button, Checkbox, Group, Select, Stack, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { NameField } from "../../components/NameField";
import { PasswordField } from "../../components/PasswordField";
import { useSaving } from "../../components/saving";
import { useT } from "../../text";
import { useSaveConnection, type Connection } from "./api";
import {
  addresses,
  changesOf,
  dialects,
  fieldsOf,
  headersOf,
  kinds,
  levels,
  secure,
  versions,
  type ConnectionFields,
} from "./connection";

interface PartProps {
  form: ConnectionFields;
  change: (part: Partial<ConnectionFields>) => void;
}

export function ConnectionForm({ connection }: { connection?: Connection }) {
  const t = useT();
  const [given] = useState(() => fieldsOf(connection ?? {}));
  const [form, setForm] = useState(given);
  const saving = useSaveConnection(connection?.ref);
  const save = useSaving(form !== given);
  const change = (part: Partial<ConnectionFields>) => setForm({ ...form, ...part });
  const submit = () => void save(saving.mutateAsync(changesOf(form, given, !connection)), t("flows.connectionSaved"));
  const complete = form.name.trim() && form.address.trim() && headersOf(form.headers);
  return (
    <Stack>
      <NameField value={form.name} onChange={(name) => change({ name })} data-autofocus />
      <Where form={form} change={change} isNew={!connection} />
      {form.type === "HTTP" ? <Headers form={form} change={change} /> : <Broker form={form} change={change} />}
      {secure(form.address) && <Certificates form={form} change={change} />}
      {form.dialect !== "THINGPARK" && <Application form={form} change={change} />}
      <Checkbox
        label={t("flows.active")}
        description={t("flows.activeText")}
        checked={form.active}
        onChange={(event) => change({ active: event.currentTarget.checked })}
      />
      <Button loading={saving.isPending} disabled={!complete} onClick={submit}>
        {connection ? t("common.save") : t("common.create")}
      </Button>
    </Stack>
  );
}

function Where({ form, change, isNew }: PartProps & { isNew: boolean }) {
  const t = useT();
  return (
    <>
      <Group grow align="flex-start" preventGrowOverflow={false}>
        <Select
          label={t("flows.type")}
          data={kinds.map((value) => ({ value, label: t(`flows.type.${value}`) }))}
          value={form.type}
          onChange={(type) => type && change({ type })}
          allowDeselect={false}
          disabled={!isNew}
        />
        <Select
          label={t("flows.dialect")}
          data={dialects.map((value) => ({ value, label: t(`flows.dialect.${value}`) }))}
          value={form.dialect}
          onChange={(dialect) => dialect && change({ dialect })}
          allowDeselect={false}
        />
      </Group>
      <TextInput
        label={t("flows.address")}
        placeholder={addresses[form.type]}
        value={form.address}
        onChange={(event) => change({ address: event.currentTarget.value })}
        required
      />
    </>
  );
}

function Broker({ form, change }: PartProps) {
  const t = useT();
  return (
    <>
      <Group grow align="flex-start" preventGrowOverflow={false}>
        <TextInput
          label={t("flows.username")}
          autoComplete="off"
          value={form.username}
          onChange={(event) => change({ username: event.currentTarget.value })}
        />
        <PasswordField
          label={t("flows.password")}
          autoComplete="new-password"
          value={form.password}
          onChange={(password) => change({ password })}
        />
      </Group>
      <TextInput
        label={t("flows.topic")}
        description={t("flows.topicText")}
        value={form.topic}
        onChange={(event) => change({ topic: event.currentTarget.value })}
      />
      <Checkbox
        label={t("flows.downlinks")}
        checked={form.downlinks}
        onChange={(event) => change({ downlinks: event.currentTarget.checked })}
      />
      {form.downlinks && (
        <TextInput
          label={t("flows.downlinkTopic")}
          description={t("flows.topicText")}
          value={form.downlinkTopic}
          onChange={(event) => change({ downlinkTopic: event.currentTarget.value })}
        />
      )}
      {form.type === "MQTT" ? (
        <Mqtt form={form} change={change} />
      ) : (
        <TextInput
          label={t("flows.name")}
          description={t("flows.nameText")}
          value={form.clientId}
          onChange={(event) => change({ clientId: event.currentTarget.value })}
        />
      )}
      {form.type === "AMQP" && (
        <TextInput
          label={t("flows.exchange")}
          placeholder="amq.topic"
          value={form.exchange}
          onChange={(event) => change({ exchange: event.currentTarget.value })}
        />
      )}
    </>
  );
}

function Mqtt({ form, change }: PartProps) {
  const t = useT();
  return (
    <>
      <Group grow align="flex-start" preventGrowOverflow={false}>
        <Select
          label={t("flows.version")}
          data={versions.map((value) => ({ value, label: `MQTT ${value}` }))}
          value={form.mqttVersion}
          onChange={(mqttVersion) => mqttVersion && change({ mqttVersion })}
          allowDeselect={false}
        />
        <Select
          label="QoS"
          data={levels.map((value) => ({ value, label: `QoS ${value}` }))}
          value={String(form.qos)}
          onChange={(qos) => qos && change({ qos: Number(qos) })}
          allowDeselect={false}
        />
        <TextInput
          label={t("flows.clientId")}
          value={form.clientId}
          onChange={(event) => change({ clientId: event.currentTarget.value })}
        />
      </Group>
      <Checkbox
        label={t("flows.retain")}
        checked={form.retain}
        onChange={(event) => change({ retain: event.currentTarget.checked })}
      />
    </>
  );
}

function Headers({ form, change }: PartProps) {
  const t = useT();
  return (
    <Textarea
      label={t("flows.headers")}
      placeholder="Authorization: Bearer …"
      description={t("flows.headersText")}
      error={headersOf(form.headers) ? undefined : t("flows.headersWrong")}
      value={form.headers}
      onChange={(event) => change({ headers: event.currentTarget.value })}
      minRows={2}
      maxRows={6}
      autosize
    />
  );
}

function Certificates({ form, change }: PartProps) {
  const t = useT();
  return (["caCertificate", "clientCertificate", "clientKey"] as const).map((member) => (
    <Textarea
      key={member}
      label={t(`flows.${member}`)}
      description={t("flows.pem")}
      value={form[member]}
      onChange={(event) => change({ [member]: event.currentTarget.value })}
      minRows={2}
      maxRows={4}
      autosize
    />
  ));
}

function Application({ form, change }: PartProps) {
  const t = useT();
  return (
    <Group grow align="flex-start" preventGrowOverflow={false}>
      <TextInput
        label={t("flows.applicationId")}
        value={form.applicationId}
        onChange={(event) => change({ applicationId: event.currentTarget.value })}
      />
      <TextInput
        label={t("flows.tenantId")}
        value={form.tenantId}
        onChange={(event) => change({ tenantId: event.currentTarget.value })}
      />
    </Group>
  );
}
