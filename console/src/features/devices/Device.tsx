import { useNavigate, useParams } from "@tanstack/react-router";
import { Badge, Button, Group, Menu, Tabs, Text } from "@mantine/core";
import {
  IconActivity,
  IconBell,
  IconChartLine,
  IconDots,
  IconHistory,
  IconInfoCircle,
  IconNetwork,
  IconRefresh,
  IconSend,
  IconTemperature,
  IconTrash,
} from "@tabler/icons-react";
import {
  Copy,
  HealthBadge,
  IfMayChange,
  Loading,
  Mono,
  PageTitle,
  SeverityBadge,
  blocking,
} from "../../components/basics";
import { NotShown } from "../../components/missing";
import type { Schemas } from "../../api/client";
import { useConfirm, useTell } from "../../components/notify";
import { useT } from "../../text";
import { useDeleteDevice, useDevice, useResetSecurityContext } from "./api";
import { worstAlarm } from "./model";
import { FrameList } from "../logger/FrameList";
import { DeviceAlarms } from "./Alarms";
import { DeviceCharts } from "./Charts";
import { DeviceDownlinks } from "./Downlinks";
import { DeviceNetwork } from "./Network";
import { DeviceOverview } from "./Overview";
import { DeviceReadings } from "./Readings";
import { DeviceTimeline } from "./Timeline";
import { useFilters } from "../../navigation";

const tabs = {
  charts: "device.charts",
  readings: "device.readings",
  frames: "device.frames",
  downlinks: "downlinks.title",
  alarms: "nav.alarms",
  timeline: "device.timeline",
  network: "device.network",
} as const;

const isTab = (value: string | null): value is keyof typeof tabs => value !== null && value in tabs;

export function DevicePage() {
  const t = useT();
  const { ref } = useParams({ from: "/devices/$ref" });
  const [filters, setFilters] = useFilters("/devices/$ref");
  const found = useDevice(ref);
  if (blocking(found)) return <NotShown error={found.error} retry={() => void found.refetch()} list="/devices" />;
  if (!found.data) return <Loading />;
  const device = found.data;
  return (
    <>
      <PageTitle title={device.name} tab={filters.tab && t(tabs[filters.tab])} below={<Signs device={device} />}>
        <IfMayChange>
          <Actions device={device} send={() => setFilters({ tab: "downlinks" })} />
        </IfMayChange>
      </PageTitle>
      <Tabs
        value={filters.tab ?? "overview"}
        onChange={(value) => setFilters({ tab: isTab(value) ? value : undefined })}
        keepMounted={false}
      >
        <TabNames device={device} />
        <TabPanels device={device} deviceRef={ref} />
      </Tabs>
    </>
  );
}

type Device = Schemas["Device"];

/** Its addresses and how it is. */
function Signs({ device }: { device: Device }) {
  const t = useT();
  const worst = worstAlarm(device);
  return (
    <Group gap={8} mt={4}>
      <Mono>{device.EUI}</Mono>
      <Copy value={device.EUI ?? ""} label={t("common.copyOf", { what: "DevEUI" })} />
      {device.networkAddress && (
        <Badge variant="default" tt="none">
          <Mono>{device.networkAddress}</Mono>
        </Badge>
      )}
      <HealthBadge state={device.statistics?.healthState} />
      {worst && <SeverityBadge state={worst.state} count={worst.count} />}
    </Group>
  );
}

function Actions({ device, send }: { device: Device; send: () => void }) {
  const t = useT();
  const navigate = useNavigate();
  const confirm = useConfirm();
  const { run } = useTell();
  const resetting = useResetSecurityContext(device.ref ?? "");
  const deletion = useDeleteDevice(device.ref ?? "");
  const reset = () =>
    confirm(
      t("device.resetTitle"),
      t("device.resetText"),
      t("device.reset"),
      () => void run(resetting.mutateAsync(), t("device.resetDone")),
    );
  const remove = () =>
    confirm(
      t("device.deleteTitle", { name: device.name ?? "" }),
      t("device.deleteText"),
      t("common.delete"),
      () =>
        void run(deletion.mutateAsync(), t("device.deleted")).then((answer) => {
          if (answer) void navigate({ to: "/devices" });
        }),
    );
  return (
    <Menu withArrow position="bottom-end">
      <Menu.Target>
        <Button variant="default" rightSection={<IconDots size={16} />}>
          {t("common.actions")}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconSend size={16} />} onClick={send}>
          {t("downlinks.send")}
        </Menu.Item>
        <Menu.Item leftSection={<IconRefresh size={16} />} aria-haspopup="dialog" onClick={reset}>
          {t("device.reset")}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item color="red" leftSection={<IconTrash size={16} />} aria-haspopup="dialog" onClick={remove}>
          {t("common.delete")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function TabNames({ device }: { device: Device }) {
  const t = useT();
  const worst = worstAlarm(device);
  return (
    <Tabs.List mb="md" className="close">
      <Tabs.Tab value="overview" leftSection={<IconInfoCircle size={16} />}>
        {t("device.overview")}
      </Tabs.Tab>
      <Tabs.Tab value="charts" leftSection={<IconChartLine size={16} />}>
        {t("device.charts")}
      </Tabs.Tab>
      <Tabs.Tab value="readings" leftSection={<IconTemperature size={16} />}>
        {t("device.readings")}
      </Tabs.Tab>
      <Tabs.Tab value="frames" leftSection={<IconActivity size={16} />}>
        {t("device.frames")}
      </Tabs.Tab>
      <Tabs.Tab value="downlinks" leftSection={<IconSend size={16} />}>
        {t("downlinks.title")}
      </Tabs.Tab>
      <Tabs.Tab
        value="alarms"
        leftSection={<IconBell size={16} />}
        rightSection={
          worst && (
            <Badge size="xs" circle color="red">
              {worst.count}
            </Badge>
          )
        }
      >
        {t("nav.alarms")}
      </Tabs.Tab>
      <Tabs.Tab value="timeline" leftSection={<IconHistory size={16} />}>
        {t("device.timeline")}
      </Tabs.Tab>
      <Tabs.Tab value="network" leftSection={<IconNetwork size={16} />}>
        {t("device.network")}
      </Tabs.Tab>
    </Tabs.List>
  );
}

function TabPanels({ device, deviceRef }: { device: Device; deviceRef: string }) {
  const t = useT();
  return (
    <>
      <Tabs.Panel value="overview">
        <DeviceOverview device={device} />
      </Tabs.Panel>
      <Tabs.Panel value="charts">
        <DeviceCharts deviceRef={deviceRef} />
      </Tabs.Panel>
      <Tabs.Panel value="readings">
        <DeviceReadings device={device} />
      </Tabs.Panel>
      <Tabs.Panel value="frames">
        <Text size="sm" c="dimmed" mb="xs">
          {t("device.framesText")}
        </Text>
        <FrameList fixed={{ deviceRef: device.ref ?? "" }} height={560} />
      </Tabs.Panel>
      <Tabs.Panel value="downlinks">
        <DeviceDownlinks device={device} />
      </Tabs.Panel>
      <Tabs.Panel value="alarms">
        <DeviceAlarms device={device} />
      </Tabs.Panel>
      <Tabs.Panel value="timeline">
        <DeviceTimeline deviceRef={deviceRef} />
      </Tabs.Panel>
      <Tabs.Panel value="network">
        <DeviceNetwork device={device} />
      </Tabs.Panel>
    </>
  );
}
