// Root keys that are entered again, and when that was.
import { Alert, Button, Checkbox, Group, List, Stack, Text, TextInput } from "@mantine/core";
import { IconAlertTriangle, IconKey } from "@tabler/icons-react";
import { useState } from "react";
import { api, type Schemas } from "../../api/client";
import { $api } from "../../api/queries";
import { useChange } from "../../api/changes";
import { RowButton } from "../../components/actions";
import { IfMayChange, Panel, Time } from "../../components/basics";
import { Dialog } from "../../components/dialogs";
import { useUnsaved } from "../../components/edits";
import { useTell } from "../../components/notify";
import { isKey, plainHex } from "../../identifiers";
import { useT } from "../../text";

const KEY_NAMES: Record<string, string> = {
  applicationKey: "AppKey",
  networkKey: "NwkKey",
  genAppKey: "GenAppKey",
};

function useKeyChanges(deviceRef: string) {
  return $api.useQuery("get", "/api/v1/devices/{deviceRef}/keyChanges", { params: { path: { deviceRef } } });
}

function useChangeKeys(deviceRef: string) {
  return useChange(
    (body: Schemas["RootKeys"]) =>
      api.PUT("/api/v1/devices/{deviceRef}/rootKeys", { params: { path: { deviceRef } }, body }),
    [
      "/api/v1/devices/{deviceRef}/keyChanges",
      "/api/v1/devices/{deviceRef}/session",
      "/api/v1/devices/{deviceRef}/explanation",
      "/data/lora/thingpark/devices/{deviceRef}",
    ],
  );
}

export function RootKeys({ device }: { device: Schemas["Device"] }) {
  const t = useT();
  const [opened, setOpened] = useState(false);
  const changes = useKeyChanges(device.ref ?? "");
  if (device.activationType !== "OTAA") return null;
  return (
    <Panel
      title={t("rootKeys.title")}
      right={
        <IfMayChange>
          <RowButton leftSection={<IconKey size={14} />} onClick={() => setOpened(true)}>
            {t("rootKeys.again")}
          </RowButton>
        </IfMayChange>
      }
    >
      <EnterKeys deviceRef={device.ref ?? ""} opened={opened} onClose={() => setOpened(false)} />
      {changes.data?.length ? (
        <List size="sm" spacing={4} listStyleType="none">
          {changes.data.map((change) => (
            <List.Item key={change.time}>
              <Time at={change.time} /> · {change.user} ·{" "}
              {change.keys.map((name) => KEY_NAMES[name] ?? name).join(", ")}
              {change.sessionReset && ` · ${t("rootKeys.wasReset")}`}
            </List.Item>
          ))}
        </List>
      ) : (
        <Text size="sm" c="dimmed">
          {t("rootKeys.never")}
        </Text>
      )}
    </Panel>
  );
}

interface Props {
  deviceRef: string;
  onClose: () => void;
}

/** Asks for the keys of a device that has them wrong. */
export function EnterKeys({ opened, ...props }: Props & { opened: boolean }) {
  const t = useT();
  return (
    <Dialog opened={opened} onClose={props.onClose} title={t("rootKeys.again")}>
      <Keys {...props} />
    </Dialog>
  );
}

interface KeyInputProps {
  label: string;
  description?: string;
  value: string;
  onChange: (value: string) => void;
  first?: boolean;
}

function KeyInput({ label, description, value, onChange, first }: KeyInputProps) {
  const t = useT();
  const key = plainHex(value);
  const problem = !key || isKey(key) ? (/^(.)\1+$/.test(key) ? t("check.weak") : undefined) : t("check.key");
  return (
    <TextInput
      label={label}
      description={description}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      error={problem}
      autoComplete="off"
      data-autofocus={first}
      styles={{ input: { fontFamily: "monospace" } }}
    />
  );
}

function Keys({ deviceRef, onClose }: Props) {
  const t = useT();
  const { run } = useTell();
  const [appKey, setAppKey] = useState("");
  const [nwkKey, setNwkKey] = useState("");
  const [genAppKey, setGenAppKey] = useState("");
  const [reset, setReset] = useState(false);
  useUnsaved(appKey !== "" || nwkKey !== "" || genAppKey !== "" || reset);
  const changing = useChangeKeys(deviceRef);
  const given = [plainHex(appKey), plainHex(nwkKey), plainHex(genAppKey)] as const;
  const fine = given.every((key) => !key || (isKey(key) && !/^(.)\1*$/.test(key))) && given.some((key) => key);
  const save = async () => {
    const body = {
      applicationKey: given[0] || undefined,
      networkKey: given[1] || undefined,
      genAppKey: given[2] || undefined,
      resetSession: reset,
    };
    if (await run(changing.mutateAsync(body), t("rootKeys.saved"))) onClose();
  };
  return (
    <Stack>
      <Alert color="orange" icon={<IconAlertTriangle size={18} />}>
        {t(reset ? "rootKeys.warningReset" : "rootKeys.warning")}
      </Alert>
      <KeyInput label="AppKey" description={t("newDevice.keyText")} value={appKey} onChange={setAppKey} first />
      <KeyInput label="NwkKey (LoRaWAN 1.1)" value={nwkKey} onChange={setNwkKey} />
      <KeyInput
        label="GenAppKey (LoRaWAN 1.0)"
        description={t("rootKeys.genAppKeyText")}
        value={genAppKey}
        onChange={setGenAppKey}
      />
      <Checkbox
        checked={reset}
        onChange={(event) => setReset(event.currentTarget.checked)}
        label={t("rootKeys.reset")}
        description={t("rootKeys.resetText")}
      />
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          {t("common.cancel")}
        </Button>
        <Button onClick={() => void save()} disabled={!fine} loading={changing.isPending}>
          {t("common.save")}
        </Button>
      </Group>
    </Stack>
  );
}
