// What base stations are worth: what goes dark if one fails, which add nothing, and the weekly reports on it.
import { Badge, Group, Stack, Text } from "@mantine/core";
import { IconMap2 } from "@tabler/icons-react";
import { Empty, Loading, Mono, PageTitle, Problem, Time, blocking } from "../../components/basics";
import { DataTable } from "../../components/DataTable";
import { TextLink } from "../../components/links";
import { number } from "../../format";
import { useFilters } from "../../navigation";
import { useT } from "../../text";
import { useWorth } from "./api";
import { CoverageReports } from "./CoverageReports";
import { StationFailure } from "./StationFailure";

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
          columns={[
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
            {
              key: "devices",
              title: t("worth.devices"),
              align: "right",
              value: (row) => row.devices,
              render: (row) => number(row.devices),
            },
            {
              key: "only",
              title: t("worth.only"),
              align: "right",
              value: (row) => row.only,
              render: (row) => <Dark count={row.only} />,
            },
            {
              key: "weak",
              title: t("worth.weak"),
              align: "right",
              value: (row) => row.weak,
              render: (row) => <Dark count={row.weak} />,
            },
            {
              key: "improved",
              title: t("worth.improved"),
              align: "right",
              value: (row) => row.improved,
              render: (row) => number(row.improved),
            },
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
          ]}
        />
        {computed && (
          <Group gap={6}>
            <Text size="xs" c="dimmed">
              {t("worth.computed")}
            </Text>
            <Text size="xs" c="dimmed" component="span">
              <Time at={computed} short />
            </Text>
          </Group>
        )}
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

function Dark({ count }: { count: number }) {
  return count ? <span className="poor">{number(count)}</span> : <>0</>;
}
