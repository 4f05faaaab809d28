// Orders updates by CUPS: of the base stations named, or of all that speak CUPS.
import { Button, Radio, Select, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { useTell } from "../../components/notify";
import { closeDialogs } from "../../components/dialogs";
import { same, useUnsaved } from "../../components/edits";
import { useT } from "../../text";
import { helpFirst } from "../../theme";
import { useFirmware, useOrderUpdates } from "./api";

type Credentials = "none" | "token" | "certificate";

interface Wanted {
  lnsUri: string;
  cupsUri: string;
  credentials: Credentials;
  firmware: string | null;
}

/** Only what is to change. */
function bodyOf({ lnsUri, cupsUri, credentials, firmware }: Wanted) {
  return {
    ...(lnsUri ? { lnsUri } : {}),
    ...(cupsUri ? { cupsUri } : {}),
    ...(credentials !== "none" ? { credentials } : {}),
    ...(firmware ? { firmware } : {}),
  };
}

export function UpdateForm({ stations }: { stations?: string[] }) {
  const t = useT();
  const { run } = useTell();
  const ordering = useOrderUpdates();
  const [lnsUri, setLns] = useState("");
  const [cupsUri, setCups] = useState("");
  const [credentials, setCredentials] = useState<Credentials>("none");
  const [firmware, setFirmware] = useState<string | null>(null);
  const files = useFirmware();
  const signed = files.data?.filter((file) => file.keys.length > 0) ?? [];
  const saved = useUnsaved(!same([lnsUri, cupsUri, credentials, firmware], ["", "", "none", null]));
  const order = async () => {
    const body = bodyOf({ lnsUri: lnsUri.trim(), cupsUri: cupsUri.trim(), credentials, firmware });
    const answer = await run(
      ordering.mutateAsync(stations ? { ...body, baseStations: stations } : body),
      t("updates.ordered.done"),
    );
    if (!answer) return;
    saved();
    closeDialogs();
  };
  return (
    <Stack>
      <Text size="sm" c="dimmed">
        {stations ? t("updates.formText", { count: stations.length }) : t("updates.formAll")}
      </Text>
      <TextInput
        label={t("updates.kind.lnsUri")}
        placeholder="wss://lns.example.org:8887"
        value={lnsUri}
        onChange={(event) => setLns(event.currentTarget.value)}
        data-autofocus
      />
      <TextInput
        label={t("updates.kind.cupsUri")}
        placeholder="https://cups.example.org:8888"
        value={cupsUri}
        onChange={(event) => setCups(event.currentTarget.value)}
      />
      <CredentialChoice value={credentials} onChange={setCredentials} />
      {stations && signed.length > 0 && (
        <Select
          label={t("updates.kind.firmware")}
          placeholder={t("updates.keep")}
          data={signed.map((file) => ({ value: file.ref, label: `${file.model} ${file.version}` }))}
          value={firmware}
          onChange={setFirmware}
          clearable
        />
      )}
      <Button
        onClick={() => void order()}
        loading={ordering.isPending}
        disabled={!lnsUri.trim() && !cupsUri.trim() && credentials === "none" && !firmware}
      >
        {t("updates.order")}
      </Button>
    </Stack>
  );
}

interface ChoiceProps {
  value: Credentials;
  onChange: (value: Credentials) => void;
}

function CredentialChoice({ value, onChange }: ChoiceProps) {
  const t = useT();
  return (
    <Radio.Group
      inputWrapperOrder={helpFirst}
      label={t("updates.kind.credentials")}
      description={t("updates.credentialsText")}
      value={value}
      onChange={onChange}
    >
      <Stack gap={6} mt={6}>
        <Radio value="none" label={t("updates.keep")} />
        <Radio value="token" label={t("updates.token")} />
        <Radio value="certificate" label={t("updates.certificate")} />
      </Stack>
    </Radio.Group>
  );
}
