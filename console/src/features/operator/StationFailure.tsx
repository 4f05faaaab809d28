// If a base station fails: the devices that go dark, and what the map loses.
import { useDebouncedValue } from "@mantine/hooks";
import { Button, Grid, Group, Select, Text } from "@mantine/core";
import { useEffect, useMemo, useState } from "react";
import type { Schemas } from "../../api/client";
import { DeviceLink, Mono, Panel, Time } from "../../components/basics";
import { DataTable, type Column } from "../../components/DataTable";
import { WorldMap } from "../../components/Map";
import type { Spot, View } from "../../components/MapCanvas";
import { number } from "../../format";
import { useT, type Translate } from "../../text";
import { useDependents, useFailureCells } from "./api";
import { closesIn, sizeOf } from "./closing";

type Worth = Schemas["NamedWorth"];
type Device = Schemas["DependentDevice"];
type Cell = Schemas["FailureCell"];

// Below so many dBm ESP of another base station a cell counts as lost, too.
const FAINT = -115;
const lost = "#e03131";
const faint = "#f08c00";
const kept = "#2b9160";

interface Props {
  station: Worth;
  stations: Worth[];
  onChoose: (id: string) => void;
}

export function StationFailure({ station, stations, onChoose }: Props) {
  const t = useT();
  return (
    <Panel
      title={t("worth.ifFails", { name: station.name })}
      right={
        <Select
          aria-label={t("worth.choose")}
          size="xs"
          w={220}
          searchable
          allowDeselect={false}
          value={station.id}
          data={stations.map((one) => ({ value: one.id, label: one.name }))}
          onChange={(id) => id && onChoose(id)}
        />
      }
    >
      <Text size="sm" mb="sm">
        {station.only + station.weak
          ? t("worth.goDark", { count: station.only + station.weak, only: station.only, weak: station.weak })
          : t("worth.nothingDark")}
      </Text>
      <Grid>
        <Grid.Col span={{ base: 12, lg: 5 }}>
          <LostMap station={station} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 7 }}>
          <Dependents id={station.id} />
        </Grid.Col>
      </Grid>
    </Panel>
  );
}

/** The cells that the base station covers: all, and those in view, as fine as the map shows them. */
function useCells(stationId: string) {
  const [view, setView] = useState<View | null>(null);
  const [settled] = useDebouncedValue(view, 200);
  const whole = useFailureCells(stationId, null, 0.1);
  const box = settled && { south: settled.south, west: settled.west, north: settled.north, east: settled.east };
  // A cell is some sixteen pixels wide.
  const cells = useFailureCells(stationId, box, settled ? 16 / ((256 * 2 ** settled.zoom) / 360) : 0.1);
  // The cells of the whole world are large: as those in view get finer, the map closes in on them.
  const [near, setNear] = useState<Cell[] | null>(null);
  const shown = near ?? whole.data ?? [];
  const fine = cells.isPlaceholderData ? [] : (cells.data ?? []);
  const closer = closesIn(shown, near !== null, fine, settled);
  useEffect(() => {
    if (closer) setNear(fine);
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [closer]);
  return { whole, cells, near, setView };
}

function LostMap({ station }: { station: Worth }) {
  const t = useT();
  const { whole, cells, near, setView } = useCells(station.id);
  const areas = useMemo(
    () =>
      (cells.data ?? []).map((cell) => {
        const color = cell.otherEsp === null ? lost : cell.otherEsp < FAINT ? faint : kept;
        const other = cell.otherEsp === null ? t("worth.noOther") : `${cell.otherEsp} dBm`;
        return {
          id: `${cell.south}/${cell.west}`,
          south: cell.south,
          west: cell.west,
          size: cell.size,
          color,
          label: t("worth.cell", { esp: cell.esp, other }),
        };
      }),
    [cells.data, t],
  );
  const places = useMemo(() => (near ?? whole.data ?? []).flatMap(corners), [near, whole.data]);
  if (whole.data?.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {t("worth.noCells")}
      </Text>
    );
  }
  return (
    <>
      <WorldMap
        label={t("worth.map")}
        height={320}
        fit={whole.data ? `${station.id} ${near ? sizeOf(near) : ""}` : ""}
        onView={setView}
        places={places}
        areas={areas}
        spots={spotsOf(station)}
      />
      <Colours />
    </>
  );
}

function spotsOf({ id, name, latitude, longitude }: Worth): Spot[] {
  if (latitude === null || longitude === null) return [];
  return [{ id, latitude, longitude, kind: "station", label: name, color: "red" }];
}

/** What the colours of the cells mean. */
function Colours() {
  const t = useT();
  return (
    <Group gap="md" mt={6}>
      {(
        [
          [lost, "worth.lost"],
          [faint, "worth.faint"],
          [kept, "worth.kept"],
        ] as const
      ).map(([color, key]) => (
        <Group key={key} gap={6}>
          <span aria-hidden style={{ width: 12, height: 12, borderRadius: 3, background: color }} />
          <Text size="xs">{t(key)}</Text>
        </Group>
      ))}
    </Group>
  );
}

function corners({ south, west, size }: Cell): { latitude: number; longitude: number }[] {
  return [
    { latitude: south, longitude: west },
    { latitude: south + size, longitude: west + size },
  ];
}

function Dependents({ id }: { id: string }) {
  const t = useT();
  const [pages, setPages] = useState<string[]>([]);
  const found = useDependents(id, pages.at(-1));
  const rows = found.data?.devices ?? [];
  if (found.data && !rows.length && !pages.length) {
    return (
      <Text size="sm" c="dimmed">
        {t("worth.nobody")}
      </Text>
    );
  }
  return (
    <>
      <DataTable<Device>
        label={t("worth.dependents")}
        rows={rows}
        id={(row) => row.ref}
        minWidth={560}
        columns={columnsOf(t)}
      />
      <Steps pages={pages} setPages={setPages} next={found.data?.next} />
    </>
  );
}

function columnsOf(t: Translate): Column<Device>[] {
  return [
    {
      key: "name",
      title: t("common.name"),
      render: (row) => (
        <>
          <DeviceLink deviceRef={row.ref} name={row.name} />
          <Text size="xs" c="dimmed">
            <Mono>{row.eui}</Mono>
          </Text>
        </>
      ),
    },
    {
      key: "risk",
      title: t("worth.risk"),
      render: (row) =>
        row.risk === "only" ? t("worth.riskOnly") : t("worth.riskWeak", { margin: row.otherMargin ?? "–" }),
    },
    {
      key: "margin",
      title: t("worth.margin"),
      align: "right",
      render: (row) => number(row.margin, " dB"),
    },
    { key: "last", title: t("worth.last"), render: (row) => <Time at={row.lastHeard} short /> },
  ];
}

interface StepsProps {
  pages: string[];
  setPages: (pages: string[]) => void;
  next: string | null | undefined;
}

function Steps({ pages, setPages, next }: StepsProps) {
  const t = useT();
  return (
    <Group justify="flex-end" mt="xs" gap="xs">
      {pages.length > 0 && (
        <Button size="compact-sm" variant="default" onClick={() => setPages(pages.slice(0, -1))}>
          {t("worth.previous")}
        </Button>
      )}
      {next && (
        <Button size="compact-sm" variant="default" onClick={() => setPages([...pages, next])}>
          {t("worth.next")}
        </Button>
      )}
    </Group>
  );
}
