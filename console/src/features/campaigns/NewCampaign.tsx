// The form of a new campaign: a file, the devices, and how it is sent.
import { Button, FileButton, Group, Select, Stack, Switch, Text, Textarea, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { NameField } from "../../components/NameField";
import { NumberField } from "../../components/NumberField";
import { useSaving } from "../../components/saving";
import { bytes } from "../../format";
import { useT } from "../../text";
import { useCreateCampaign, useDeviceTags } from "./api";
import { asked, GroupPart, usualGroup, wholeGroup, type GroupChoice } from "./GroupPart";
import { devEuis } from "./progress";

interface Form {
  name: string;
  file: File | null;
  tag: string | null;
  devices: string;
  fragmentSize: number | null;
  redundancy: number | null;
  answerTimeout: number | null;
  startsAt: string;
  apply: boolean;
  packageVersion: 1 | 2;
  multicast: GroupChoice | null;
}

const empty: Form = {
  name: "",
  file: null,
  tag: null,
  devices: "",
  fragmentSize: 48,
  redundancy: 20,
  answerTimeout: 120,
  startsAt: "",
  apply: true,
  packageVersion: 1,
  multicast: null,
};
/** What the form does not ask for. */
const versions = ["1", "2"];
const usual = { inFlight: 4, retries: 3, rounds: 4, dutyCycleShare: 1 };

async function base64(file: File): Promise<string> {
  const octets = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let at = 0; at < octets.length; at += 8192) text += String.fromCharCode(...octets.subarray(at, at + 8192));
  return btoa(text);
}

export function NewCampaign() {
  const t = useT();
  const navigate = useNavigate();
  const [form, setForm] = useState<Form>(empty);
  const [busy, setBusy] = useState(false);
  const creating = useCreateCampaign();
  const save = useSaving(form !== empty);
  const change = (part: Partial<Form>) => setForm({ ...form, ...part });
  const chosen = devEuis(form.devices);
  const { fragmentSize, redundancy, answerTimeout } = form;
  const complete =
    form.name.trim() &&
    form.file &&
    (form.tag || chosen.length) &&
    fragmentSize &&
    redundancy !== null &&
    answerTimeout &&
    (!form.multicast || wholeGroup(form.multicast));
  const create = async (file: File) => {
    setBusy(true);
    const answer = await save(
      base64(file).then((content) =>
        creating.mutateAsync({
          ...usual,
          name: form.name.trim(),
          content,
          kind: form.apply ? "firmware" : "configuration",
          apply: form.apply,
          ...(form.tag ? { matching: { tag: form.tag } } : { devices: chosen }),
          fragmentSize: fragmentSize ?? 0,
          redundancy: redundancy ?? 0,
          answerTimeout: (answerTimeout ?? 0) * 60,
          packageVersion: form.packageVersion,
          multicast: form.multicast && asked(form.multicast),
          startsAt: form.startsAt ? new Date(form.startsAt).toISOString() : null,
        }),
      ),
      t("campaigns.created"),
    );
    setBusy(false);
    if (answer?.data) void navigate({ to: "/campaigns/$ref", params: { ref: answer.data.ref } });
  };
  return (
    <Stack>
      <NameField value={form.name} onChange={(name) => change({ name })} data-autofocus />
      <FileChoice file={form.file} onChange={(file) => change({ file })} />
      <Devices form={form} count={chosen.length} change={change} />
      <Sending form={form} change={change} />
      <Button loading={busy} disabled={!complete} onClick={() => form.file && void create(form.file)}>
        {t("common.create")}
      </Button>
    </Stack>
  );
}

interface Part {
  form: Form;
  change: (part: Partial<Form>) => void;
}

function FileChoice({ file, onChange }: { file: File | null; onChange: (file: File | null) => void }) {
  const t = useT();
  return (
    <Group gap="sm">
      <FileButton onChange={onChange}>
        {(button) => (
          <Button {...button} variant="default">
            {t("firmware.choose")}
          </Button>
        )}
      </FileButton>
      <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
        {file ? `${file.name} · ${bytes(file.size)}` : t("firmware.noFile")}
      </Text>
    </Group>
  );
}

function Devices({ form, count, change }: Part & { count: number }) {
  const t = useT();
  const tags = useDeviceTags();
  const read = async (file: File | null) => {
    if (file) change({ devices: await file.slice(0, 4_000_000).text(), tag: null });
  };
  return (
    <>
      <Select
        label={t("campaigns.tag")}
        description={t("campaigns.tagText")}
        data={tags}
        value={form.tag}
        onChange={(tag) => change({ tag, devices: "" })}
        clearable
        searchable
      />
      <Textarea
        label={t("campaigns.devices")}
        description={t("campaigns.devicesText")}
        placeholder="0059AC0000000001"
        value={form.devices}
        onChange={(event) => change({ devices: event.currentTarget.value, tag: null })}
        minRows={2}
        maxRows={6}
        autosize
      />
      <Group gap="sm">
        <FileButton onChange={(file) => void read(file)} accept=".csv,.txt,text/csv,text/plain">
          {(button) => (
            <Button {...button} variant="default" size="xs">
              {t("campaigns.chooseList")}
            </Button>
          )}
        </FileButton>
        <Text size="sm" c="dimmed" role="status">
          {t("campaigns.chosen", { count })}
        </Text>
      </Group>
    </>
  );
}

function Sending({ form, change }: Part) {
  const t = useT();
  return (
    <>
      <Group grow align="flex-start">
        <NumberField
          label={t("campaigns.fragmentSize")}
          value={form.fragmentSize}
          onChange={(fragmentSize) => change({ fragmentSize })}
          min={8}
          max={219}
        />
        <NumberField
          label={t("campaigns.redundancy")}
          value={form.redundancy}
          onChange={(redundancy) => change({ redundancy })}
          min={0}
          max={200}
        />
      </Group>
      <NumberField
        label={t("campaigns.answerTimeout")}
        description={t("campaigns.answerTimeoutText")}
        value={form.answerTimeout}
        onChange={(answerTimeout) => change({ answerTimeout })}
        min={1}
        max={2880}
      />
      <TextInput
        type="datetime-local"
        label={t("campaigns.startsAt")}
        description={t("campaigns.startsAtText")}
        value={form.startsAt}
        onChange={(event) => change({ startsAt: event.currentTarget.value })}
      />
      <Switch
        label={t("campaigns.multicast")}
        description={t("campaigns.multicastText")}
        checked={form.multicast !== null}
        onChange={(event) => change({ multicast: event.currentTarget.checked ? usualGroup : null })}
      />
      {form.multicast && <GroupPart group={form.multicast} onChange={(multicast) => change({ multicast })} />}
      <Select
        label={t("campaigns.packageVersion")}
        description={t("campaigns.packageVersionText")}
        data={versions}
        allowDeselect={false}
        value={String(form.packageVersion)}
        onChange={(value) => change({ packageVersion: value === "2" ? 2 : 1 })}
      />
      <Switch
        label={t("campaigns.apply")}
        checked={form.apply}
        onChange={(event) => change({ apply: event.currentTarget.checked })}
      />
    </>
  );
}
