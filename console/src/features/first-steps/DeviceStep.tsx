// The device: of a model of the catalogue, by QR code, or by hand.
import { Button, Group, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { Loading, Once, Panel } from "../../components/basics";
import { $api } from "../../api/queries";
import { useT } from "../../text";
import { noChoice } from "../devices/creating";
import { DeviceForm, type Created } from "../devices/DeviceForm";

interface Props {
  initial: Record<string, string>;
  onCreated: (ref: string) => void;
  onDone: () => void;
}

export function DeviceStep({ initial, onCreated, onDone }: Props) {
  const t = useT();
  const profiles = $api.useQuery("get", "/data/lora/thingpark/deviceProfiles");
  const [made, setMade] = useState<Created | null>(null);
  if (made?.key)
    return (
      <Panel title={made.name}>
        <Stack>
          <Once label={t("newDevice.key")} value={made.key} />
          <Group>
            <Button onClick={onDone}>{t("firstSteps.continue")}</Button>
          </Group>
        </Stack>
      </Panel>
    );
  if (profiles.isLoading) return <Loading />;
  // Where there is no profile yet, a model of the catalogue makes one.
  return (
    <DeviceForm
      initial={initial}
      choice={profiles.data?.length ? noChoice : { ...noChoice, model: null }}
      title={(submit) => (
        <Group justify="space-between" mb="md">
          <Text size="sm" c="dimmed" maw={560}>
            {t("firstSteps.deviceText")}
          </Text>
          {submit}
        </Group>
      )}
      onCreated={(device) => {
        onCreated(device.ref);
        if (device.key) setMade(device);
        else onDone();
      }}
    />
  );
}
