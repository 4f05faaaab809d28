import { useNavigate } from "@tanstack/react-router";
import { Button, Group, Stack } from "@mantine/core";
import { IconTableImport } from "@tabler/icons-react";
import { useState } from "react";
import { Once, PageTitle } from "../../components/basics";
import { useFilters } from "../../navigation";
import { useT } from "../../text";
import { DeviceForm, type Created } from "./DeviceForm";

export function NewDevice() {
  const t = useT();
  const navigate = useNavigate();
  const [{ deviceEUI, joinEUI }] = useFilters("/devices/new");
  const [made, setMade] = useState<Created | null>(null);
  const open = (ref: string) => void navigate({ to: "/devices/$ref", params: { ref } });
  if (made?.key) {
    return (
      <>
        <PageTitle title={t("newDevice.title")} />
        <Stack maw={640}>
          <Once label={t("newDevice.key")} value={made.key} />
          <Group>
            <Button onClick={() => open(made.ref)}>{t("newDevice.open")}</Button>
          </Group>
        </Stack>
      </>
    );
  }
  return (
    <DeviceForm
      initial={{ EUI: deviceEUI ?? "", applicationEUI: joinEUI ?? "" }}
      title={(submit) => (
        <PageTitle title={t("newDevice.title")}>
          <Button
            variant="subtle"
            leftSection={<IconTableImport size={16} />}
            onClick={() => void navigate({ to: "/devices/scan" })}
          >
            {t("scan.series")}
          </Button>
          <Button variant="default" onClick={() => void navigate({ to: "/devices" })}>
            {t("common.cancel")}
          </Button>
          {submit}
        </PageTitle>
      )}
      onCreated={(device) => (device.key ? setMade(device) : open(device.ref))}
    />
  );
}
