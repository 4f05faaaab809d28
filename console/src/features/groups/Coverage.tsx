// Which base stations send to a group, and which members they do not reach.
import { Alert, Stack, Text } from "@mantine/core";
import { Mono, Panel } from "../../components/basics";
import { DataTable } from "../../components/DataTable";
import { blocking, Loading, Problem } from "../../components/problem";
import { number } from "../../format";
import { useT } from "../../text";
import { useCoverage, type MulticastGroup } from "./api";

interface Props {
  groupRef: string;
  coverage: NonNullable<MulticastGroup["baseStationCoverage"]>;
}

export function Coverage({ groupRef, coverage }: Props) {
  const t = useT();
  const found = useCoverage(groupRef);
  if (blocking(found)) return <Problem error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading />;
  const { baseStations, unheard, unheardCount, weak, weakCount } = found.data;
  return (
    <Panel title={t("groups.stations")}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t(`groups.coverageText.${coverage}`)}
        </Text>
        {!baseStations.length && <Alert color="orange">{t("groups.noStations")}</Alert>}
        {unheardCount > 0 && <Missing text={t("groups.unheard", { count: unheardCount })} euis={unheard} />}
        {weakCount > 0 && <Missing text={t("groups.weak", { count: weakCount })} euis={weak} />}
        {baseStations.length > 0 && (
          <DataTable
            label={t("groups.stations")}
            rows={baseStations}
            id={(row) => row.id}
            minWidth={420}
            columns={[
              { key: "name", title: t("common.name"), value: (row) => row.name, render: (row) => row.name },
              { key: "id", title: "ID", value: (row) => row.id, render: (row) => <Mono>{row.id}</Mono> },
              {
                key: "members",
                title: t("groups.hears"),
                align: "right",
                value: (row) => row.members,
                render: (row) => number(row.members),
              },
            ]}
          />
        )}
      </Stack>
    </Panel>
  );
}

function Missing({ text, euis }: { text: string; euis: string[] }) {
  return (
    <Alert color="orange" title={text}>
      <Mono>{euis.slice(0, 10).join(", ")}</Mono>
      {euis.length > 10 && " …"}
    </Alert>
  );
}
