import { useNavigate } from "@tanstack/react-router";
import { Button, Group, Stack, Tabs, Text } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconCpu, IconList, IconMap, IconPlus, IconSearch, IconUpload } from "@tabler/icons-react";
import { useEffect, useMemo, useState } from "react";
import { usePlans, useProfiles, useRouting } from "../../api/catalogues";
import { usePreferences } from "../../api/preferences";
import { blocking, Empty, IfMayChange, Loading, Problem } from "../../components/basics";
import { DataTable, type Column } from "../../components/DataTable";
import { ButtonLink } from "../../components/links";
import { ListPage } from "../../components/ListPage";
import { Pages } from "../../components/Pages";
import { localTime, withQuery } from "../../format";
import { cleared, useFilters, useTyped, type FiltersOf } from "../../navigation";
import { useSession } from "../../session";
import { useT } from "../../text";
import { useDevices, useTags } from "./api";
import { ColumnsMenu } from "./ColumnsMenu";
import { columnsOf, hiddenAtFirst } from "./columns";
import { Filters, type Catalogues } from "./Filters";
import { DeviceMap } from "./Map";
import { filterNames, filtersIn, sorts, type Device, type DeviceFilters } from "./model";
import { Selection } from "./Selection";

const PAGE = 50;
/** As in console.css: wider than a phone, on which rows are cards. */
const SMALL_DESK = "(min-width: 48.01em) and (max-width: 87.5em)";

function useCatalogues(): { catalogues: Catalogues; names: Map<string, string> } {
  const plans = usePlans();
  const profiles = useProfiles();
  const routing = useRouting();
  const tags = useTags();
  const names = useMemo(
    () =>
      new Map(
        [...plans, ...profiles, ...routing].flatMap((item) =>
          item.id ? [[item.id, item.name ?? item.id] as const] : [],
        ),
      ),
    [plans, profiles, routing],
  );
  return { catalogues: { plans, profiles, routing, tags }, names };
}

/** The devices that are selected; they belong to the filters they were selected under. */
function useSelection(wanted: DeviceFilters) {
  const [selected, setSelected] = useState<Set<string>>(new Set());
  const [all, setAll] = useState(false);
  const select = (chosen: Set<string>) => {
    setAll(false);
    setSelected(chosen);
  };
  const under = JSON.stringify(wanted);
  useEffect(() => {
    setAll(false);
    setSelected(new Set());
  }, [under]);
  return { selected, select, all, selectAll: () => setAll(true) };
}

const sortOf = (filters: FiltersOf<"/devices">) => filters.sort ?? "created";

export function Devices() {
  const t = useT();
  const navigate = useNavigate();
  const [filters, setFilters] = useFilters("/devices");
  const [preferences, setPreferences] = usePreferences();
  const { typed, type, put } = useTyped(["search"], filters, setFilters, 250);
  const { catalogues, names } = useCatalogues();
  const wanted = useMemo(() => filtersIn(filters), [filters]);
  const found = useDevices({ ...wanted, sort: sortOf(filters), page: filters.page ?? 1, pageSize: PAGE });
  const filtered = filterNames.some((name) => wanted[name] !== undefined);
  const narrow = (change: Omit<DeviceFilters, "search">) => {
    put({ ...change, page: undefined });
  };
  const open = (search: FiltersOf<"/devices">) => {
    put({ search: search.search });
    void navigate({ to: "/devices", search });
  };
  return (
    <ListPage
      title={t("nav.devices")}
      below={found.data && t("devices.count", { count: found.data.total, more: found.data.more })}
      views={{
        kept: preferences.deviceViews ?? [],
        current: filters,
        onOpen: open,
        onKeep: (change) => setPreferences(({ deviceViews = [] }) => ({ deviceViews: change(deviceViews) })),
      }}
      exported={{
        label: t("devices.export"),
        path: withQuery("/api/v1/devices/export", wanted),
        file: "devices.csv",
      }}
      actions={<Create />}
      filters={
        <Filters
          search={typed.search ?? ""}
          onSearch={(text) => type("search", text, { page: undefined })}
          filters={wanted}
          onChange={narrow}
          catalogues={catalogues}
        />
      }
      onClear={filtered ? () => put(cleared([...filterNames, "page"])) : undefined}
    >
      <ListOrMap
        filters={filters}
        setFilters={setFilters}
        wanted={wanted}
        filtered={filtered}
        found={found}
        names={names}
      />
    </ListPage>
  );
}

interface ShownProps {
  filters: FiltersOf<"/devices">;
  setFilters: (change: Pick<FiltersOf<"/devices">, "view" | "sort" | "page">) => void;
  /** Those of the filters that say which devices are shown. */
  wanted: DeviceFilters;
  filtered: boolean;
  found: ReturnType<typeof useDevices>;
  /** Of plans and profiles, by id. */
  names: Map<string, string>;
}

function ListOrMap({ filters, setFilters, wanted, filtered, found, names }: ShownProps) {
  const t = useT();
  const [preferences] = usePreferences();
  const selection = useSelection(wanted);
  const columns = useMemo(() => columnsOf(t, names), [t, names]);
  const smallDesk = useMediaQuery(SMALL_DESK) ?? false;
  const hidden = preferences.deviceColumns ?? hiddenAtFirst(smallDesk);
  const map = filters.view === "map";
  return (
    <Tabs
      value={map ? "map" : "list"}
      onChange={(value) => setFilters({ view: value === "map" ? "map" : undefined })}
      keepMounted={false}
    >
      <Group justify="space-between" mb="xs">
        <Views />
        <Group gap="xs">
          <Selection
            target={
              selection.all && found.data
                ? { filters: wanted, total: found.data.total, more: found.data.more }
                : { refs: [...selection.selected] }
            }
            onDone={() => selection.select(new Set())}
          />
          {!map && <ColumnsMenu columns={columns.slice(1)} hidden={hidden} />}
        </Group>
      </Group>
      <Tabs.Panel value="map">
        <DeviceMap filters={wanted} />
      </Tabs.Panel>
      <Tabs.Panel value="list">
        <DeviceTable
          found={found}
          columns={columns.filter((column) => column.key === "name" || !hidden.includes(column.key))}
          filtered={filtered}
          sort={sortOf(filters)}
          page={filters.page ?? 1}
          onChange={setFilters}
          selection={selection}
        />
      </Tabs.Panel>
    </Tabs>
  );
}

function Views() {
  const t = useT();
  return (
    <Tabs.List>
      <Tabs.Tab value="list" leftSection={<IconList size={16} />}>
        {t("devices.list")}
      </Tabs.Tab>
      <Tabs.Tab value="map" leftSection={<IconMap size={16} />}>
        {t("devices.map")}
      </Tabs.Tab>
    </Tabs.List>
  );
}

function Create() {
  const t = useT();
  return (
    <IfMayChange>
      <ButtonLink variant="default" to="/devices/import" leftSection={<IconUpload size={16} />}>
        {t("devices.import")}
      </ButtonLink>
      <ButtonLink to="/devices/new" leftSection={<IconPlus size={16} />}>
        {t("devices.new")}
      </ButtonLink>
    </IfMayChange>
  );
}

interface TableProps {
  found: ReturnType<typeof useDevices>;
  columns: Column<Device>[];
  filtered: boolean;
  sort: string;
  page: number;
  onChange: (change: Pick<FiltersOf<"/devices">, "sort" | "page">) => void;
  selection: ReturnType<typeof useSelection>;
}

function DeviceTable(props: TableProps) {
  const { found, columns, filtered, sort, page, onChange, selection } = props;
  const { selected, select, all, selectAll } = selection;
  const t = useT();
  const navigate = useNavigate();
  const { mayChange } = useSession();
  if (blocking(found)) return <Problem error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading rows={10} />;
  return (
    <Stack gap="sm">
      {mayChange && selected.size > 0 && selected.size === found.data.devices.length && found.data.total > PAGE && (
        <Group gap="xs" role="status">
          <Text size="sm">
            {all
              ? t("devices.allSelected", { count: found.data.total, more: found.data.more })
              : t("devices.pageSelected", { count: selected.size })}
          </Text>
          {!all && (
            <Button size="compact-sm" variant="light" onClick={selectAll}>
              {t("devices.selectAll", { count: found.data.total, more: found.data.more })}
            </Button>
          )}
        </Group>
      )}
      {found.data.orderedAt && (
        <Text size="sm" c="dimmed">
          {t("devices.ordered", { at: localTime(found.data.orderedAt) })}
        </Text>
      )}
      <DataTable
        label={t("nav.devices")}
        rows={found.data.devices}
        columns={columns}
        id={(device) => device.ref ?? ""}
        onOpen={(device) => void navigate({ to: "/devices/$ref", params: { ref: device.ref ?? "" } })}
        sort={sort}
        onSort={(next) => onChange({ sort: sorts.find((one) => one === next), page: undefined })}
        selected={selected}
        onSelect={mayChange ? select : undefined}
        minWidth={640}
        empty={filtered ? <NoneMatch /> : <NoneYet />}
      />
      <Pages
        page={page}
        size={PAGE}
        total={found.data.total}
        more={found.data.more}
        onPage={(next) => {
          select(new Set());
          onChange({ page: next });
        }}
      />
    </Stack>
  );
}

function NoneMatch() {
  const t = useT();
  return <Empty icon={IconSearch} title={t("devices.none")} text={t("devices.noneText")} />;
}

function NoneYet() {
  const t = useT();
  return (
    <Empty icon={IconCpu} title={t("home.empty")} text={t("home.emptyText")}>
      <IfMayChange>
        <ButtonLink to="/devices/new">{t("devices.new")}</ButtonLink>
      </IfMayChange>
    </Empty>
  );
}
