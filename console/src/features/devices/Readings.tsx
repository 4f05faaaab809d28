import { Button, Group, MultiSelect, ScrollArea, Select, Stack, Table, Text } from "@mantine/core";
import { IconCode, IconDownload, IconLock } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { download, type Schemas } from "../../api/client";
import { $api } from "../../api/queries";
import { Empty, Loading, Panel, Problem, Time, blocking } from "../../components/basics";
import { Chart } from "../../components/Chart";
import { useDeviceOptions } from "../../components/DevicePicker";
import { ButtonLink } from "../../components/links";
import { useTell } from "../../components/notify";
import { exact, withQuery } from "../../format";
import { useFilters } from "../../navigation";
import { useT } from "../../text";
import { chartOf, numeric, silent, titleOf, valueOf, type Field, type Table as Readings } from "./readings";

/** Devices that are compared at most, this one among them. */
const MOST = 10;

/** What the decoder of the device's profile reads in its payloads, and beside it what those of others do. */
export function DeviceReadings({ device }: { device: Schemas["Device"] }) {
  const t = useT();
  const [filters, setFilters] = useFilters("/devices/$ref");
  const days = filters.days ?? "7";
  const from = useMemo(() => new Date(Date.now() - Number(days) * 86_400_000).toISOString(), [days]);
  const others = (filters.with ?? "").split(",").filter(Boolean);
  const deviceRefs = [device.ref ?? "", ...others].slice(0, MOST).join(",");
  const found = $api.useQuery(
    "get",
    "/api/v1/readings",
    { params: { query: { deviceRefs, from, limit: 1000 } } },
    { refetchInterval: 15_000, placeholderData: keepPreviousData },
  );
  if (blocking(found)) return <Problem error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading />;
  const table = found.data;
  if (device.hsmGroupId && !table.readings.length && !others.length)
    return <Empty icon={IconLock} title={t("readings.locked")} text={t("readings.lockedText")} />;
  return (
    <Stack>
      <Group align="flex-start">
        <Select
          aria-label={t("chart.range")}
          w={180}
          allowDeselect={false}
          value={days}
          onChange={(value) => setFilters({ days: ranges.find((range) => range === value) })}
          data={ranges.map((range) => ({
            value: range,
            label: range === "1" ? t("chart.day") : t("chart.days", { days: Number(range) }),
          }))}
        />
        <Compare own={device.ref ?? ""} chosen={others} table={table} onChange={(refs) => setFilters({ with: refs })} />
        {table.readings.length > 0 && <Save path={withQuery("/api/v1/readings/export", { deviceRefs, from })} />}
      </Group>
      {table.readings.length ? (
        <Shown table={table} />
      ) : (
        <Empty icon={IconCode} title={t("readings.none")} text={t("readings.noneText")}>
          <ButtonLink to="/decoders">{t("nav.decoders")}</ButtonLink>
        </Empty>
      )}
    </Stack>
  );
}

const ranges = ["1", "7", "15", "35"] as const;

interface CompareProps {
  own: string;
  chosen: string[];
  table: Readings;
  onChange: (refs: string | undefined) => void;
}

function Compare({ own, chosen, table, onChange }: CompareProps) {
  const t = useT();
  const [text, setText] = useState("");
  const options = useDeviceOptions(text);
  const known = table.devices.map((one) => ({ value: one.ref, label: `${one.name} (${one.EUI})` }));
  const data = [...known, ...options.filter((one) => known.every((other) => other.value !== one.value))];
  return (
    <MultiSelect
      aria-label={t("readings.compare")}
      placeholder={chosen.length ? undefined : t("readings.compare")}
      searchable
      clearable
      maxValues={MOST - 1}
      w={{ base: "100%", sm: 380 }}
      value={chosen}
      onChange={(refs) => onChange(refs.join(",") || undefined)}
      searchValue={text}
      onSearchChange={setText}
      data={data.filter((one) => one.value !== own)}
      filter={({ options: all }) => all}
    />
  );
}

function Save({ path }: { path: string }) {
  const { run } = useTell();
  return (
    <Button
      variant="default"
      leftSection={<IconDownload size={16} />}
      onClick={() => void run(download(path, "readings.csv"))}
    >
      CSV
    </Button>
  );
}

/** Which devices have no line and no row here, and why that may be. */
function Silent({ table }: { table: Readings }) {
  const t = useT();
  const names = silent(table);
  return (
    names.length > 0 && (
      <Text size="sm" c="dimmed" role="status">
        {t("readings.silent", { names: names.join(", ") })}
      </Text>
    )
  );
}

function Shown({ table }: { table: Readings }) {
  const t = useT();
  const option = useMemo(() => chartOf(table, numeric(table)), [table]);
  const several = table.devices.length > 1;
  const nameOf = new Map(table.devices.map((one) => [one.ref, one.name]));
  return (
    <>
      <Silent table={table} />
      {option.series.length > 0 && (
        <Panel>
          <Chart label={t("device.readings")} option={option} height={360} save />
        </Panel>
      )}
      <Panel>
        <ScrollArea.Autosize mah={420} className="cards-place" viewportProps={{ tabIndex: 0 }}>
          <Table role="table" stickyHeader className="data cards" aria-label={t("device.readings")}>
            <Table.Thead role="rowgroup">
              <Table.Tr role="row">
                <Table.Th role="columnheader">{t("common.time")}</Table.Th>
                {several && <Table.Th role="columnheader">{t("devices.one")}</Table.Th>}
                {table.fields.map((field) => (
                  <Table.Th key={titleOf(field)} role="columnheader" ta="right">
                    {titleOf(field)}
                  </Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody role="rowgroup">
              {table.readings.slice(0, 200).map((row) => (
                <Table.Tr key={row.frameId} role="row">
                  <Table.Td role="cell">
                    <Time at={row.time} />
                  </Table.Td>
                  {several && (
                    <Table.Td role="cell" data-title={t("devices.one")}>
                      {nameOf.get(row.deviceRef)}
                    </Table.Td>
                  )}
                  <Values row={row} fields={table.fields} />
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </ScrollArea.Autosize>
      </Panel>
    </>
  );
}

/** A cell for each field, which a card leaves out where it has no value; or why there is none. */
function Values({ row, fields }: { row: Readings["readings"][number]; fields: Field[] }) {
  if (row.error)
    return (
      <Table.Td role="cell" data-wide data-title="" colSpan={Math.max(fields.length, 1)}>
        <Text span className="poor" inherit>
          {row.error}
        </Text>
      </Table.Td>
    );
  return fields.map((field) => {
    const value = valueOf(row, field);
    return (
      <Table.Td
        key={titleOf(field)}
        role="cell"
        ta="right"
        data-title={titleOf(field)}
        data-none={value === undefined || undefined}
        style={{ overflowWrap: "anywhere" }}
      >
        {value === undefined ? "–" : exact(value)}
      </Table.Td>
    );
  });
}
