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
import { useMemo, useState } from "react";
import { download } from "../../api/client";
import { options, usePlans, useProfiles, useRouting } from "../../api/catalogues";
import { Empty, IfMayChange, Loading, PageTitle, Problem, blocking } from "../../components/basics";
import { DataTable } from "../../components/DataTable";
import { useConfirm, useTell } from "../../components/notify";
import { number, withQuery } from "../../format";
import { usePreferences } from "../../api/preferences";
import { useSession } from "../../session";
import { useT } from "../../text";
import { openForm } from "../../components/unsaved";
import { useChangeDevices, useDevices } from "./api";
import { SaveView } from "../../components/SaveView";
import { BulkEdit, tellBulk } from "./Bulk";
import { columnsOf, hiddenAtFirst } from "./columns";
import { DeviceMap } from "./Map";
import { filterNames, filtersIn, type DeviceFilters } from "./model";
import { cleared, useFilters, useTyped } from "../../navigation";
import { ButtonLink } from "../../components/links";

const PAGE = 50;
const sorts = ["name", "-name", "deviceEUI", "-deviceEUI", "created", "-created"] as const;
const healthStates = ["ACTIVE", "INIT", "RF_CNX_ERROR"] as const;
const alarmLevels = ["ANY", "WARNING", "MINOR", "MAJOR", "CRITICAL"] as const;

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
  const found = useDevices(query);
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
