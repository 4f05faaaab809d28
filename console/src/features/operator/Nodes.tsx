// The nodes that serve the network together: who lives, who serves which partitions, how far each is behind.
import { Alert, Badge, Box, Group, Stack, Text, Tooltip } from "@mantine/core";
import { IconAlertTriangle, IconServer2 } from "@tabler/icons-react";
import type { Schemas } from "../../api/client";
import { blocking, Empty, Loading, Mono, PageTitle, Panel, Problem, Time } from "../../components/basics";
import { countColumn, DataTable } from "../../components/DataTable";
import { number } from "../../format";
import { useT } from "../../text";
import { useCluster } from "./api";

type Cluster = Schemas["ClusterStatus"];
type Node = Schemas["NodeView"];

const COLORS = ["veld.6", "indigo.6", "orange.6", "grape.6", "cyan.7", "pink.6", "lime.7", "yellow.7"];

export function Nodes() {
  const t = useT();
  const found = useCluster();
  if (blocking(found)) return <Problem error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading />;
  const of = found.data;
  return (
    <>
      <PageTitle title={t("nav.nodes")} below={t("nodes.below")} />
      {of.cluster ? (
        <Stack>
          <Notices of={of} />
          <Partitions of={of} />
          <Table of={of} />
        </Stack>
      ) : (
        <Empty icon={IconServer2} title={t("nodes.none")} text={t("nodes.noneText")} />
      )}
    </>
  );
}

function Notices({ of }: { of: Cluster }) {
  const t = useT();
  const lines = [
    ...(of.unserved.length ? [t("nodes.unserved", { count: of.unserved.length })] : []),
    ...(of.versions.length > 1 ? [t("nodes.versions", { versions: of.versions.join(", ") })] : []),
    ...of.nodes.flatMap((node) => (node.alive ? node.problems.map((text) => `${node.name}: ${text}`) : [])),
  ];
  if (!lines.length) return null;
  return (
    <Alert color="orange" icon={<IconAlertTriangle size={20} />} title={t("nodes.problems")}>
      {lines.map((line) => (
        <Text key={line} size="sm">
          {line}
        </Text>
      ))}
    </Alert>
  );
}

/** Every partition as a square in the colour of its node. */
function Partitions({ of }: { of: Cluster }) {
  const t = useT();
  const owners = new Map(of.nodes.flatMap((node, place) => node.partitions.map((each) => [each, place] as const)));
  return (
    <Panel title={t("nodes.partitions")}>
      <Group gap={4} role="img" aria-label={t("nodes.partitionsText", { count: of.partitions - of.unserved.length })}>
        {Array.from({ length: of.partitions }, (_, partition) => {
          const place = owners.get(partition);
          const name = place === undefined ? t("nodes.nobody") : of.nodes[place]?.name;
          return (
            <Tooltip key={partition} label={`${partition}: ${name}`}>
              <Box w={18} h={18} bg={place === undefined ? "red.4" : COLORS[place % COLORS.length]} bdrs="xs" />
            </Tooltip>
          );
        })}
      </Group>
    </Panel>
  );
}

function Table({ of }: { of: Cluster }) {
  const t = useT();
  const places = new Map(of.nodes.map((node, place) => [node.name, place]));
  return (
    <DataTable
      label={t("nav.nodes")}
      rows={of.nodes}
      id={(row) => row.name}
      minWidth={760}
      columns={[
        {
          key: "name",
          title: t("nodes.node"),
          value: (row) => row.name,
          render: (row) => (
            <Group gap="xs" wrap="nowrap">
              <Box w={12} h={12} bg={COLORS[(places.get(row.name) ?? 0) % COLORS.length]} bdrs="xs" />
              <Box>
                <Mono>{row.name}</Mono>
                <Text size="xs" c="dimmed">
                  {row.version} · {row.roles.join(", ")}
                </Text>
              </Box>
            </Group>
          ),
        },
        { key: "state", title: t("nodes.state"), render: (row) => <State row={row} /> },
        countColumn<Cluster["nodes"][number]>("partitions", t("nodes.partitions"), (row) => row.partitions.length),
        countColumn<Cluster["nodes"][number]>("stations", t("nav.stations"), (row) => row.baseStations),
        {
          key: "lag",
          title: t("nodes.lag"),
          align: "right",
          value: (row) => row.lagSeconds,
          render: (row) => `${number(row.lagSeconds)} s`,
        },
        {
          key: "moved",
          title: t("nodes.handover"),
          value: (row) => row.lastHandover,
          render: (row) => <Time at={row.lastHandover} short />,
        },
      ]}
    />
  );
}

function State({ row }: { row: Node }) {
  const t = useT();
  return (
    <>
      {row.alive ? (
        <Badge color="veld" variant="light">
          {row.leads ? t("nodes.leads") : t("nodes.serves")}
        </Badge>
      ) : (
        <Badge color="red" variant="light">
          {t("nodes.away")}
        </Badge>
      )}
      <Text size="xs" c="dimmed">
        {t("nodes.seen")} <Time at={row.lastSeen} short />
      </Text>
    </>
  );
}
