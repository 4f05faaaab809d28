// What base stations are worth: what goes dark if one fails, which add nothing, and the weekly reports on it.
import { Badge, Group, Stack, Text } from "@mantine/core";
import { IconMap2 } from "@tabler/icons-react";
import type { Schemas } from "../../api/client";
import { Empty, Loading, Mono, PageTitle, Problem, Time, blocking } from "../../components/basics";
import { countColumn, faultColumn } from "../../components/columns";
import { DataTable, type Column } from "../../components/DataTable";
import { TextLink } from "../../components/links";
import { useFilters } from "../../navigation";
import { useT, type Translate } from "../../text";
import { useWorth } from "./api";
import { CoverageReports } from "./CoverageReports";
import { StationFailure } from "./StationFailure";

type Worth = Schemas["NamedWorth"];

export function Coverage() {
  const t = useT();
  const worth = useWorth();
  const [filters, setFilters] = useFilters("/operator/coverage");
  if (blocking(worth)) return <Problem error={worth.error} retry={() => void worth.refetch()} />;
  if (!worth.data) return <Loading />;
  const rows = worth.data;
  const chosen = rows.find((row) => row.id === filters.station) ?? rows[0];
  const computed = rows.find((row) => row.computed)?.computed;
  return (
    <>
      <PageTitle title={t("worth.title")} below={t("worth.below")} />
      <Stack>
        <DataTable
          label={t("worth.title")}
          rows={rows}
          id={(row) => row.id}
          minWidth={760}
          onOpen={(row) => setFilters({ station: row.id })}
          empty={<Empty icon={IconMap2} title={t("worth.none")} text={t("worth.noneText")} />}
          columns={columnsOf(t)}
        />
        {computed && <Computed at={computed} />}
        {chosen && (
          <StationFailure
            key={chosen.id}
            station={chosen}
            stations={rows}
            onChoose={(station) => setFilters({ station })}
          />
        )}
        <CoverageReports chosen={filters.report} onChoose={(report) => setFilters({ report })} />
      </Stack>
    </>
  );
}

function columnsOf(t: Translate): Column<Worth>[] {
  return [
    {
      key: "name",
      title: t("common.name"),
      value: (row) => row.name,
      render: (row) => (
        <>
          <TextLink to="/operator/base-stations/$id" params={{ id: row.id }} inherit>
            {row.name}
          </TextLink>
          <Text size="xs" c="dimmed">
            <Mono>{row.id}</Mono>
          </Text>
        </>
      ),
    },
    countColumn({ key: "devices", title: t("worth.devices"), count: (row) => row.devices }),
    faultColumn({ key: "only", title: t("worth.only"), count: (row) => row.only }),
    faultColumn({ key: "weak", title: t("worth.weak"), count: (row) => row.weak }),
    countColumn({ key: "improved", title: t("worth.improved"), count: (row) => row.improved }),
    {
      key: "nothing",
      title: "",
      render: (row) =>
        row.addsNothing ? (
          <Badge variant="light" color="gray" tt="none">
            {t("worth.addsNothing")}
          </Badge>
        ) : null,
    },
  ];
}

function Computed({ at }: { at: string }) {
  const t = useT();
  return (
    <Group gap={6}>
      <Text size="xs" c="dimmed">
        {t("worth.computed")}
      </Text>
      <Text size="xs" c="dimmed" component="span">
        <Time at={at} short />
      </Text>
    </Group>
  );
}
