// Devices that base stations heard and that are not registered.
import { Button, Group, Select, Stack, Text } from "@mantine/core";
import { IconCpu, IconPlus } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { Empty, IfMayChange, Mono, Time } from "../../components/basics";
import { TextLink } from "../../components/links";
import { TablePage } from "../../components/TablePage";
import { closeDialogs, openDialog } from "../../components/dialogs";
import { number } from "../../format";
import { useSession } from "../../session";
import { type Translate } from "../../text";
import { useT } from "../../text";
import { RowButton } from "../../components/actions";
import { useSubscribers, useUnknownDevices } from "./api";
import { countColumn } from "../../components/columns";
import type { Column } from "../../components/DataTable";

type Unknown = Schemas["UnknownDeviceView"];

export function UnknownDevices() {
  const t = useT();
  const found = useUnknownDevices();
  return (
    <TablePage
      title={t("nav.unknown")}
      below={t("unknown.below")}
      query={found}
      id={(row) => row.deviceEUI ?? row.devAddr ?? ""}
      minWidth={760}
      empty={<Empty icon={IconCpu} title={t("unknown.none")} text={t("unknown.noneText")} />}
      columns={columnsOf(t)}
    />
  );
}

function columnsOf(t: Translate): Column<Unknown>[] {
  return [
    {
      key: "eui",
      title: t("unknown.device"),
      value: (row) => row.deviceEUI ?? row.devAddr,
      render: (row) => <Address device={row} />,
    },
    {
      key: "last",
      title: t("unknown.last"),
      value: (row) => row.lastTime,
      render: (row) => <Heard device={row} />,
    },
    countColumn({ key: "frames", title: t("unknown.frames"), count: (row) => row.frames }),
    {
      key: "stations",
      title: t("nav.stations"),
      render: (row) => <Stations row={row} />,
    },
    {
      key: "signal",
      title: t("unknown.signal"),
      value: (row) => row.baseStations[0]?.rssi ?? null,
      render: (row) => <Signal device={row} />,
    },
    {
      key: "do",
      title: "",
      align: "right",
      render: (row) => row.deviceEUI && <Creation device={row} />,
    },
  ];
}

function Address({ device: row }: { device: Unknown }) {
  const t = useT();
  return (
    <>
      <TextLink
        to="/logger"
        search={row.deviceEUI ? { deviceEUI: row.deviceEUI } : { devAddr: row.devAddr ?? "" }}
        inherit
      >
        <Mono>{row.deviceEUI ?? row.devAddr}</Mono>
      </TextLink>
      <Text size="xs" c="dimmed">
        {row.deviceEUI ? `JoinEUI ${row.joinEUI ?? "–"}` : t("unknown.address")}
      </Text>
    </>
  );
}

function Heard({ device: row }: { device: Unknown }) {
  const t = useT();
  return (
    <>
      <Time at={row.lastTime} short />
      <Text size="xs" c="dimmed">
        {t("unknown.first")} <Time at={row.firstTime} short />
      </Text>
    </>
  );
}

function Signal({ device: row }: { device: Unknown }) {
  return (
    <>
      <Text size="sm">
        {number(row.baseStations[0]?.rssi ?? null)} dBm · {number(row.baseStations[0]?.snr ?? null)} dB
      </Text>
      <Text size="xs" c="dimmed">
        {row.modulation}
      </Text>
    </>
  );
}

function Creation({ device }: { device: Unknown }) {
  const t = useT();
  return (
    <IfMayChange>
      <RowButton
        leftSection={<IconPlus size={14} />}
        onClick={() => openDialog(t("unknown.create"), <ForWhom device={device} />)}
      >
        {t("unknown.create")}
      </RowButton>
    </IfMayChange>
  );
}

function Stations({ row }: { row: Unknown }) {
  const t = useT();
  const [best, ...others] = row.baseStations;
  if (!best) return null;
  return (
    <>
      <TextLink to="/operator/base-stations/$id" params={{ id: best.baseStationId }} size="sm">
        {best.baseStationName}
      </TextLink>
      {others.length > 0 && (
        <Text size="xs" c="dimmed">
          {t("unknown.others", { names: others.map((each) => each.baseStationName).join(", ") })}
        </Text>
      )}
    </>
  );
}

/** A device belongs to a subscriber: its form opens as that one sees it. */
function ForWhom({ device }: { device: Unknown }) {
  const t = useT();
  const navigate = useNavigate();
  const { workFor } = useSession();
  const subscribers = useSubscribers();
  const [customer, setCustomer] = useState<string | null>(null);
  const list = subscribers.data ?? [];
  const chosen = customer ?? (list.length === 1 ? (list[0]?.customerId ?? null) : null);
  const go = () => {
    if (!chosen) return;
    closeDialogs();
    workFor(chosen);
    void navigate({
      to: "/devices/new",
      search: { deviceEUI: device.deviceEUI ?? undefined, joinEUI: device.joinEUI ?? undefined },
    });
  };
  return (
    <Stack>
      <Text size="sm">
        {t("unknown.createText")} <Mono>{device.deviceEUI}</Mono>
      </Text>
      <Select
        label={t("unknown.subscriber")}
        searchable
        value={chosen}
        onChange={setCustomer}
        data={list.map(({ customerId, name }) => ({ value: customerId, label: `${name} (${customerId})` }))}
      />
      <Group justify="flex-end">
        <Button onClick={go} disabled={!chosen}>
          {t("unknown.continue")}
        </Button>
      </Group>
    </Stack>
  );
}
