import { useNavigate } from "@tanstack/react-router";
import {
  ActionIcon,
  Button,
  Group,
  Menu,
  Pagination,
  Select,
  Stack,
  Tabs,
  Text,
  TextInput,
  Tooltip,
} from "@mantine/core";
import { modals } from "@mantine/modals";
import {
  IconBookmark,
  IconColumns,
  IconCpu,
  IconDownload,
  IconEdit,
  IconList,
  IconMap,
  IconPlus,
  IconSearch,
  IconTrash,
  IconUpload,
  IconX,
} from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { $api, download, type Schemas } from "../../api/client";
import { options, usePlans, useProfiles, useRouting } from "../../api/catalogues";
import {
  Empty,
  HealthBadge,
  IfMayChange,
  Loading,
  Mono,
  PageTitle,
  Problem,
  SeverityBadge,
  Time,
  blocking,
} from "../../components/basics";
import { DataTable, type Column } from "../../components/DataTable";
import { useConfirm, useTell } from "../../components/notify";
import { number, percent, withQuery } from "../../format";
import { usePreferences } from "../../api/preferences";
import { useSession } from "../../session";
import { useT, type Translate } from "../../text";
import { openForm } from "../../components/unsaved";
import { useChangeDevices } from "./api";
import { DeviceMap } from "./Map";
import { filterNames, filtersIn, worstAlarm, type Device, type DeviceFilters } from "./model";
import { cleared, useFilters, useTyped } from "../../navigation";
import { ButtonLink, TextLink } from "../../components/links";

const PAGE = 50;
const sorts = ["name", "-name", "deviceEUI", "-deviceEUI", "created", "-created"] as const;
const healthStates = ["ACTIVE", "INIT", "RF_CNX_ERROR"] as const;
const alarmLevels = ["ANY", "WARNING", "MINOR", "MAJOR", "CRITICAL"] as const;
function snrClass(snr: number | undefined) {
  return snr === undefined ? undefined : snr >= -8 ? "good" : snr >= -13 ? "fair" : "poor";
}

function columnsOf(t: Translate, names: Map<string, string>): Column<Device>[] {
  return [
    {
      key: "name",
      title: t("device.name"),
      sort: "name",
      render: (d) => (
        <TextLink
          to="/devices/$ref"
          params={{ ref: d.ref ?? "" }}
          inherit
          style={{ overflowWrap: "anywhere", minWidth: 120, display: "inline-block" }}
        >
          {d.name}
        </TextLink>
      ),
    },
    {
      key: "EUI",
      title: t("device.identifier"),
      sort: "deviceEUI",
      render: (d) => (
        <>
          <Mono>{d.EUI}</Mono>
          {d.networkAddress && (
            <Text size="xs" c="dimmed">
              <Mono>{d.networkAddress}</Mono>
            </Text>
          )}
        </>
      ),
    },
    { key: "health", title: t("device.health"), render: (d) => <HealthBadge state={d.statistics?.healthState} /> },
    {
      key: "connectivity",
      title: t("device.connectivity"),
      render: (d) => (
        <>
          <Text size="sm" style={{ whiteSpace: "nowrap" }}>
            {names.get(d.connectivityPlanId ?? "") ?? t("device.noPlan")}
          </Text>
          <Text size="xs" c="dimmed">
            {names.get(d.routingProfileId ?? "") ?? t("device.noRouting")}
          </Text>
        </>
      ),
    },
    {
      key: "lastUplink",
      title: t("device.lastUplink"),
      value: (d) => d.statistics?.lastUplinkTime,
      render: (d) => <Time at={d.statistics?.lastUplinkTime} short />,
    },
    {
      key: "packets",
      title: t("device.packets"),
      align: "right",
      value: (d) => d.statistics?.last24hUplinkCount,
      render: (d) => number(d.statistics?.last24hUplinkCount),
    },
    {
      key: "per",
      title: t("device.per"),
      align: "right",
      value: (d) => d.statistics?.lastMeanPER,
      render: (d) => percent(d.statistics?.lastMeanPER),
    },
    {
      key: "snr",
      title: t("device.snr"),
      align: "right",
      value: (d) => d.statistics?.averageSNR,
      render: (d) => (
        <span className={snrClass(d.statistics?.averageSNR)}>{number(d.statistics?.averageSNR, "dB")}</span>
      ),
    },
    {
      key: "rssi",
      title: t("device.rssi"),
      align: "right",
      value: (d) => d.statistics?.averageRSSI,
      render: (d) => number(d.statistics?.averageRSSI, "dBm"),
    },
    {
      key: "sf",
      title: t("device.sf"),
      align: "right",
      value: (d) => d.statistics?.lastSF,
      render: (d) =>
        d.statistics?.lastSF ? (
          <span className={d.statistics.lastSF >= 12 ? "poor" : d.statistics.lastSF === 11 ? "fair" : undefined}>
            SF{d.statistics.lastSF}
          </span>
        ) : (
          "–"
        ),
    },
    {
      key: "battery",
      title: t("device.battery"),
      align: "right",
      value: (d) => d.statistics?.lastBatteryLevel,
      render: (d) => (d.statistics?.lastBatteryLevel === undefined ? "–" : `${d.statistics.lastBatteryLevel} %`),
    },
    {
      key: "alarm",
      title: t("device.alarms"),
      render: (d) => {
        const worst = worstAlarm(d);
        return worst ? (
          <SeverityBadge state={worst.state} count={worst.count} />
        ) : (
          <Text c="dimmed" size="sm">
            –
          </Text>
        );
      },
    },
    {
      key: "profile",
      title: t("device.profile"),
      render: (d) => names.get(d.deviceProfileId ?? "") ?? d.deviceProfileId,
    },
    { key: "class", title: t("device.class"), render: (d) => d.statistics?.loraClass ?? d.deviceClass },
  ];
}

const hiddenAtFirst = ["rssi", "profile", "class"];

export function Devices() {
  const t = useT();
  const navigate = useNavigate();
  const confirm = useConfirm();
  const { run } = useTell();
  const { mayChange } = useSession();
  const [filters, setFilters] = useFilters("/devices");
  const [preferences, setPreferences] = usePreferences();
  const [selected, setSelected] = useState<Set<string>>(new Set());
  const { typed, type, put } = useTyped(["search"], filters, setFilters, 250);
  const plans = usePlans();
  const profiles = useProfiles();
  const routing = useRouting();
  const wanted = useMemo(() => filtersIn(filters), [filters]);
  const page = filters.page ?? 1;
  const sort = filters.sort ?? "created";
  const query = { ...wanted, sort, page, pageSize: PAGE };
  const found = $api.useQuery(
    "get",
    "/api/v1/devices",
    { params: { query } },
    { placeholderData: keepPreviousData, refetchInterval: 15_000 },
  );
  const narrow = (change: Omit<DeviceFilters, "search">) => {
    setSelected(new Set());
    put({ ...change, page: undefined });
  };
  const names = useMemo(
    () =>
      new Map(
        [...plans, ...profiles, ...routing].flatMap((item) =>
          item.id ? [[item.id, item.name ?? item.id] as const] : [],
        ),
      ),
    [plans, profiles, routing],
  );
  const columns = useMemo(() => columnsOf(t, names), [t, names]);
  const hidden = preferences.deviceColumns ?? hiddenAtFirst;
  const shown = columns.filter((column) => column.key === "name" || !hidden.includes(column.key));
  const again = () => {
    setSelected(new Set());
  };
  const bulk = useChangeDevices();
  const removeSelected = () =>
    confirm(
      t("devices.deleteTitle", { count: selected.size }),
      t("devices.deleteText"),
      t("common.delete"),
      () =>
        void run(bulk.mutateAsync({ action: "delete", refs: [...selected] })).then((answer) => {
          if (answer?.data) tellBulk(t, answer.data);
          again();
        }),
    );
  const views = preferences.deviceViews ?? [];
  const filtered = filterNames.some((name) => wanted[name] !== undefined);
  const total = found.data?.total ?? 0;
  const map = filters.view === "map";

  return (
    <>
      <PageTitle
        title={t("nav.devices")}
        below={found.data && t("devices.count", { count: total, more: found.data.more })}
      >
        <Menu withArrow position="bottom-end">
          <Menu.Target>
            <Button variant="default" leftSection={<IconBookmark size={16} />}>
              {t("views.title")}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {views.map((view) => (
              <Menu.Item
                key={view.name}
                onClick={() => {
                  put({ search: view.search.search });
                  void navigate({ to: "/devices", search: view.search });
                }}
                rightSection={
                  <ActionIcon
                    component="span"
                    size="xs"
                    variant="subtle"
                    color="gray"
                    aria-label={t("common.delete")}
                    onClick={(event) => {
                      event.stopPropagation();
                      setPreferences(({ deviceViews = [] }) => ({
                        deviceViews: deviceViews.filter((other) => other.name !== view.name),
                      }));
                    }}
                  >
                    <IconX size={12} />
                  </ActionIcon>
                }
              >
                {view.name}
              </Menu.Item>
            ))}
            {!views.length && <Menu.Label>{t("views.empty")}</Menu.Label>}
            <Menu.Divider />
            <Menu.Item
              leftSection={<IconPlus size={14} />}
              onClick={() =>
                modals.open({
                  title: t("views.save"),
                  children: (
                    <SaveView
                      onSave={(name) =>
                        setPreferences(({ deviceViews = [] }) => ({
                          deviceViews: [...deviceViews.filter((view) => view.name !== name), { name, search: filters }],
                        }))
                      }
                    />
                  ),
                })
              }
            >
              {t("views.save")}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
        <Tooltip label={t("devices.export")}>
          <ActionIcon
            variant="default"
            size={36}
            aria-label={t("devices.export")}
            onClick={() => void run(download(withQuery("/api/v1/devices/export", wanted), "devices.csv"))}
          >
            <IconDownload size={16} />
          </ActionIcon>
        </Tooltip>
        <IfMayChange>
          <ButtonLink variant="default" to="/devices/import" leftSection={<IconUpload size={16} />}>
            {t("devices.import")}
          </ButtonLink>
          <ButtonLink to="/devices/new" leftSection={<IconPlus size={16} />}>
            {t("devices.new")}
          </ButtonLink>
        </IfMayChange>
      </PageTitle>
      <Group gap="xs" mb="sm">
        <TextInput
          leftSection={<IconSearch size={16} />}
          placeholder={t("devices.search")}
          aria-label={t("devices.search")}
          value={typed.search ?? ""}
          w={260}
          onChange={(event) => type("search", event.currentTarget.value, { page: undefined })}
        />
        <Select
          aria-label={t("device.health")}
          placeholder={t("device.health")}
          clearable
          w={150}
          value={filters.healthState ?? null}
          onChange={(value) => narrow({ healthState: healthStates.find((one) => one === value) })}
          data={healthStates.map((value) => ({ value, label: t(`health.${value}`) }))}
        />
        <Select
          aria-label={t("device.alarms")}
          placeholder={t("device.alarms")}
          clearable
          w={150}
          value={filters.alarm ?? null}
          onChange={(value) => narrow({ alarm: alarmLevels.find((one) => one === value) })}
          data={alarmLevels.map((value) => ({ value, label: t(`alarmFilter.${value}`) }))}
        />
        <Select
          aria-label={t("device.plan")}
          placeholder={t("device.plan")}
          clearable
          searchable
          w={180}
          value={filters.connectivityPlanId ?? null}
          onChange={(value) => narrow({ connectivityPlanId: value ?? undefined })}
          data={options(plans)}
        />
        <Select
          aria-label={t("device.profile")}
          placeholder={t("device.profile")}
          clearable
          searchable
          w={200}
          value={filters.deviceProfileId ?? null}
          onChange={(value) => narrow({ deviceProfileId: value ?? undefined })}
          data={options(profiles)}
        />
        <Select
          aria-label={t("device.routing")}
          placeholder={t("device.routing")}
          clearable
          searchable
          w={180}
          value={filters.routingProfileId ?? null}
          onChange={(value) => narrow({ routingProfileId: value ?? undefined })}
          data={options(routing)}
        />
        {filtered && (
          <Button
            variant="subtle"
            color="gray"
            leftSection={<IconX size={14} />}
            onClick={() => put(cleared([...filterNames, "page"]))}
          >
            {t("common.clear")}
          </Button>
        )}
      </Group>
      <Tabs
        value={map ? "map" : "list"}
        onChange={(value) => setFilters({ view: value === "map" ? "map" : undefined })}
        keepMounted={false}
      >
        <Group justify="space-between" mb="xs">
          <Tabs.List>
            <Tabs.Tab value="list" leftSection={<IconList size={16} />}>
              {t("devices.list")}
            </Tabs.Tab>
            <Tabs.Tab value="map" leftSection={<IconMap size={16} />}>
              {t("devices.map")}
            </Tabs.Tab>
          </Tabs.List>
          <Group gap="xs">
            {selected.size > 0 && (
              <IfMayChange>
                <Text size="sm">{t("table.selected", { count: selected.size })}</Text>
                <Button
                  size="xs"
                  variant="default"
                  leftSection={<IconEdit size={14} />}
                  onClick={() =>
                    openForm(
                      t("devices.editTitle", { count: selected.size }),
                      <BulkEdit refs={[...selected]} onDone={again} />,
                    )
                  }
                >
                  {t("common.edit")}
                </Button>
                <Button
                  size="xs"
                  color="red"
                  variant="light"
                  leftSection={<IconTrash size={14} />}
                  onClick={removeSelected}
                >
                  {t("common.delete")}
                </Button>
              </IfMayChange>
            )}
            {!map && (
              <Menu closeOnItemClick={false} withArrow>
                <Menu.Target>
                  <Tooltip label={t("devices.columns")}>
                    <ActionIcon variant="subtle" color="gray" aria-label={t("devices.columns")}>
                      <IconColumns size={18} />
                    </ActionIcon>
                  </Tooltip>
                </Menu.Target>
                <Menu.Dropdown>
                  {columns.slice(1).map((column) => (
                    <Menu.Item
                      key={column.key}
                      role="menuitemcheckbox"
                      aria-checked={!hidden.includes(column.key)}
                      leftSection={<Text w={14}>{hidden.includes(column.key) ? "" : "✓"}</Text>}
                      onClick={() =>
                        setPreferences(({ deviceColumns = hiddenAtFirst }) => ({
                          deviceColumns: deviceColumns.includes(column.key)
                            ? deviceColumns.filter((key) => key !== column.key)
                            : [...deviceColumns, column.key],
                        }))
                      }
                    >
                      {column.title}
                    </Menu.Item>
                  ))}
                </Menu.Dropdown>
              </Menu>
            )}
          </Group>
        </Group>
        <Tabs.Panel value="map">
          <DeviceMap filters={wanted} />
        </Tabs.Panel>
        <Tabs.Panel value="list">
          {blocking(found) ? (
            <Problem error={found.error} retry={() => void found.refetch()} />
          ) : !found.data ? (
            <Loading rows={10} />
          ) : (
            <Stack gap="sm">
              <DataTable
                label={t("nav.devices")}
                rows={found.data.devices}
                columns={shown}
                id={(device) => device.ref ?? ""}
                onOpen={(device) => void navigate({ to: "/devices/$ref", params: { ref: device.ref ?? "" } })}
                sort={sort}
                onSort={(next) => setFilters({ sort: sorts.find((one) => one === next), page: undefined })}
                selected={selected}
                onSelect={mayChange ? setSelected : undefined}
                minWidth={900}
                empty={
                  filtered ? (
                    <Empty icon={IconSearch} title={t("devices.none")} text={t("devices.noneText")} />
                  ) : (
                    <Empty icon={IconCpu} title={t("home.empty")} text={t("home.emptyText")}>
                      <IfMayChange>
                        <ButtonLink to="/devices/new">{t("devices.new")}</ButtonLink>
                      </IfMayChange>
                    </Empty>
                  )
                }
              />
              {total > PAGE && (
                <Group justify="space-between">
                  <Text size="sm" c="dimmed">
                    {t("table.range", {
                      from: number((page - 1) * PAGE + 1),
                      to: number(Math.min(page * PAGE, total)),
                      total: `${number(total)}${found.data.more ? "+" : ""}`,
                    })}
                  </Text>
                  <Pagination
                    total={Math.ceil(total / PAGE)}
                    value={page}
                    onChange={(next) => {
                      setSelected(new Set());
                      setFilters({ page: next });
                    }}
                    siblings={1}
                    getControlProps={(control) => ({ "aria-label": t(`table.${control}`) })}
                    getItemProps={(item) => ({ "aria-label": t("table.page", { page: item }) })}
                  />
                </Group>
              )}
            </Stack>
          )}
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

function tellBulk(t: Translate, result: Schemas["BulkResult"]) {
  modals.open({
    title: t("devices.bulkDone", { count: result.done }),
    children: result.failures.length ? (
      <Stack gap={4}>
        <Text size="sm" fw={600}>
          {t("devices.bulkFailed", { count: result.failures.length })}
        </Text>
        {result.failures.slice(0, 50).map((failure) => (
          <Text key={failure.ref} size="sm">
            <Mono>{failure.ref}</Mono> {failure.message}
          </Text>
        ))}
      </Stack>
    ) : (
      <Text size="sm">{t("devices.bulkAll")}</Text>
    ),
  });
}

function SaveView({ onSave }: { onSave: (name: string) => void }) {
  const t = useT();
  const [name, setName] = useState("");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onSave(name.trim());
        modals.closeAll();
      }}
    >
      <Group align="flex-end">
        <TextInput
          data-autofocus
          label={t("views.name")}
          value={name}
          maxLength={60}
          onChange={(event) => setName(event.currentTarget.value)}
          style={{ flex: 1 }}
          required
        />
        <Button type="submit" disabled={!name.trim()}>
          {t("common.save")}
        </Button>
      </Group>
    </form>
  );
}

function BulkEdit({ refs, onDone }: { refs: string[]; onDone: () => void }) {
  const t = useT();
  const { run } = useTell();
  const plans = usePlans();
  const profiles = useProfiles();
  const routing = useRouting();
  const [change, setChange] = useState<Record<string, string>>({});
  const bulk = useChangeDevices();
  const choose = (name: string, label: string, data: { value: string; label: string }[]) => (
    <Select
      label={label}
      placeholder={t("devices.keep")}
      data={data}
      value={change[name] ?? null}
      clearable
      searchable
      onChange={(value) =>
        setChange((before) => {
          const next = { ...before };
          if (value) next[name] = value;
          else delete next[name];
          return next;
        })
      }
    />
  );
  const save = async () => {
    const answer = await run(bulk.mutateAsync({ action: "update", refs, change }));
    modals.closeAll();
    if (answer?.data) tellBulk(t, answer.data);
    onDone();
  };
  return (
    <Stack>
      {choose("connectivityPlanId", t("device.plan"), [
        ...options(plans),
        { value: "reset", label: t("device.clear") },
      ])}
      {choose("routingProfileId", t("device.routing"), [
        ...options(routing),
        { value: "reset", label: t("device.clear") },
      ])}
      {choose("deviceProfileId", t("device.profile"), options(profiles))}
      <Button onClick={() => void save()} loading={bulk.isPending} disabled={!Object.keys(change).length}>
        {t("common.save")}
      </Button>
    </Stack>
  );
}
