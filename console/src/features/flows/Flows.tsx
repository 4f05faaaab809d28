// Flows and connections: which messages go where, and how each connection is.
import { Badge, Group, Stack, Text } from "@mantine/core";
import { IconArrowsSplit, IconPlugConnected } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { NewButton, RowButton, RowRemoval } from "../../components/actions";
import { Empty, IfMayChange, PageTitle, Panel, Time } from "../../components/basics";
import { countColumn } from "../../components/columns";
import type { Column } from "../../components/DataTable";
import { openDialog } from "../../components/dialogs";
import { TextLink } from "../../components/links";
import { useConfirm, useTell } from "../../components/notify";
import { Rows } from "../../components/TablePage";
import { Unreadable } from "../../components/Unreadable";
import { number } from "../../format";
import { useT, type Translate } from "../../text";
import { useConnections, useDeleteConnection, useDeleteFlow, useFlows, type Connection, type Flow } from "./api";
import { ConnectionForm } from "./ConnectionForm";
import { FlowForm } from "./FlowForm";
import { ConnectionTrial } from "./Trial";

const colors = { ACTIVE: "veld", ERROR: "red", WAITING: "gray", DEACTIVATED: "gray", UNUSED: "yellow" } as const;

export function FlowsPage() {
  const t = useT();
  return (
    <>
      <PageTitle title={t("nav.flows")} below={t("flows.below")} />
      <Stack>
        <Connections />
        <FlowList />
      </Stack>
    </>
  );
}

function Connections() {
  const t = useT();
  const found = useConnections();
  const create = (
    <IfMayChange>
      <NewButton onClick={() => openDialog(t("flows.newConnection"), <ConnectionForm />, { size: "lg" })}>
        {t("flows.newConnection")}
      </NewButton>
    </IfMayChange>
  );
  const none = (
    <Empty icon={IconPlugConnected} title={t("flows.noConnections")} text={t("flows.noConnectionsText")}>
      {create}
    </Empty>
  );
  return (
    <Panel title={t("flows.connections")} right={found.data?.length ? create : undefined}>
      <Rows
        label={t("flows.connections")}
        query={found}
        id={(row) => row.ref ?? ""}
        minWidth={700}
        empty={none}
        columns={connectionColumns(t, found.data?.some((each) => each.downlinks) ?? false)}
      />
    </Panel>
  );
}

function connectionColumns(t: Translate, takesDownlinks: boolean): Column<Connection>[] {
  const received = countColumn<Connection>({
    key: "received",
    title: t("flows.received"),
    count: (row) => row.state?.received ?? 0,
  });
  return [
    {
      key: "name",
      title: t("common.name"),
      value: (row) => row.name,
      render: (row) => (
        <>
          {row.name}
          <Text size="xs" c="dimmed" style={{ overflowWrap: "anywhere", minWidth: 130 }}>
            {row.dialect && `${t(`flows.dialect.${row.dialect}`)}, `}
            {row.address}
          </Text>
        </>
      ),
    },
    {
      key: "status",
      title: t("stations.status"),
      value: (row) => row.state?.status,
      render: (row) => <State of={row} />,
    },
    {
      key: "delivered",
      title: t("flows.delivered"),
      align: "right",
      value: (row) => row.state?.delivered ?? 0,
      render: ({ state }) => <Counted count={state?.delivered} title={t("flows.failed")} below={state?.failed} />,
    },
    // Where none takes downlinks, the actions need its room.
    ...(takesDownlinks ? [received] : []),
    {
      key: "pending",
      title: t("flows.pending"),
      align: "right",
      value: (row) => row.state?.pending ?? 0,
      render: ({ state }) => (
        <Counted
          count={state?.pending}
          title={<TextLink to="/undelivered">{t("nav.undelivered")}</TextLink>}
          below={state?.undelivered}
        />
      ),
    },
    {
      key: "actions",
      title: t("common.actions"),
      wide: true,
      render: (row) => <ConnectionActions connection={row} />,
    },
  ];
}

/** How many there are, and below, where there are any, how many went wrong. */
function Counted({ count = 0, title, below = 0 }: { count?: number; title: ReactNode; below?: number }) {
  return (
    <>
      {number(count)}
      {below > 0 && (
        <Text size="xs" className="poor">
          {title} {number(below)}
        </Text>
      )}
    </>
  );
}

function State({ of: { state } }: { of: Connection }) {
  const t = useT();
  if (!state) return null;
  return (
    <>
      <Group gap={8}>
        <Badge color={colors[state.status]} variant="light">
          {t(`flows.status.${state.status}`)}
        </Badge>
        {state.since && <Time at={state.since} short />}
      </Group>
      {state.reason && (
        <Text size="xs" className="poor">
          {state.reason}
        </Text>
      )}
    </>
  );
}

function ConnectionActions({ connection }: { connection: Connection }) {
  const t = useT();
  const confirm = useConfirm();
  const { run } = useTell();
  const { ref = "", name = "" } = connection;
  const removing = useDeleteConnection(ref);
  const remove = () => void run(removing.mutateAsync(undefined), t("flows.connectionDeleted"));
  return (
    <IfMayChange>
      <Group gap={4} wrap="nowrap">
        <RowButton onClick={() => openDialog(t("flows.test", { name }), <ConnectionTrial connectionRef={ref} />)}>
          {t("flows.tryOut")}
        </RowButton>
        <RowButton
          onClick={() =>
            openDialog(t("flows.editConnection", { name }), <ConnectionForm connection={connection} />, { size: "lg" })
          }
        >
          {t("common.edit")}
        </RowButton>
        <RowRemoval
          onClick={() =>
            confirm(t("flows.deleteConnection", { name }), t("flows.deleteConnectionText"), t("common.delete"), remove)
          }
        >
          {t("common.delete")}
        </RowRemoval>
      </Group>
    </IfMayChange>
  );
}

function FlowList() {
  const t = useT();
  const found = useFlows();
  const connections = useConnections().data ?? [];
  const names = new Map(connections.map(({ ref, name }) => [ref, name]));
  const create = connections.length ? (
    <IfMayChange>
      <NewButton onClick={() => openDialog(t("flows.new"), <FlowForm />, { size: "lg" })}>{t("flows.new")}</NewButton>
    </IfMayChange>
  ) : undefined;
  const text = t(connections.length ? "flows.noneText" : "flows.noneYetText");
  return (
    <Panel title={t("flows.flows")} right={found.data?.length ? create : undefined}>
      <Rows
        label={t("flows.flows")}
        query={found}
        id={(row) => row.ref ?? ""}
        minWidth={640}
        empty={
          <Empty icon={IconArrowsSplit} title={t("flows.none")} text={text}>
            {create}
          </Empty>
        }
        columns={flowColumns(t, names)}
      />
    </Panel>
  );
}

function flowColumns(t: Translate, names: Map<string | undefined, string | undefined>): Column<Flow>[] {
  return [
    {
      key: "name",
      title: t("common.name"),
      value: (row) => row.name,
      render: (row) => (
        <>
          <Group gap={8}>
            {row.name}
            {row.active === false && (
              <Badge color="gray" variant="light">
                {t("flows.status.DEACTIVATED")}
              </Badge>
            )}
          </Group>
          <Unreadable of={row} />
        </>
      ),
    },
    {
      key: "devices",
      title: t("nav.devices"),
      wide: true,
      render: (row) => chosen(row) || (row.problem ? "–" : t("flows.all")),
    },
    { key: "ports", title: t("flows.ports"), render: (row) => row.ports },
    { key: "driver", title: t("flows.driver"), render: (row) => row.driver && t(`flows.driver.${row.driver}`) },
    {
      key: "connections",
      title: t("flows.connections"),
      wide: true,
      render: (row) => row.connectionRefs?.map((ref) => names.get(ref) ?? ref).join(", "),
    },
    { key: "actions", title: t("common.actions"), render: (row) => <FlowActions flow={row} /> },
  ];
}

function chosen({ tags = [], deviceProfileIds = [], strategies = [] }: Flow): string {
  return [...tags, ...deviceProfileIds, ...strategies].join(", ");
}

function FlowActions({ flow }: { flow: Flow }) {
  const t = useT();
  const confirm = useConfirm();
  const { run } = useTell();
  const { ref = "", name = "" } = flow;
  const removing = useDeleteFlow(ref);
  const remove = () => void run(removing.mutateAsync(undefined), t("flows.deleted"));
  return (
    <IfMayChange>
      <Group gap="xs" wrap="nowrap">
        <RowButton onClick={() => openDialog(t("flows.edit", { name }), <FlowForm flow={flow} />, { size: "lg" })}>
          {t("common.edit")}
        </RowButton>
        <RowRemoval
          onClick={() => confirm(t("flows.delete", { name }), t("flows.deleteText"), t("common.delete"), remove)}
        >
          {t("common.delete")}
        </RowRemoval>
      </Group>
    </IfMayChange>
  );
}
