import { useNavigate } from "@tanstack/react-router";
import { Grid, Group, RingProgress, SimpleGrid, Stack, Text, ThemeIcon, UnstyledButton } from "@mantine/core";
import { IconBell, IconCpu, IconFlag, IconMailX, IconPlus, IconRoute, IconUpload } from "@tabler/icons-react";
import { useMemo } from "react";
import { $api } from "../../api/queries";
import { useOverview } from "../../api/overview";
import {
  Empty,
  IfMayChange,
  Loading,
  PageTitle,
  Panel,
  Problem,
  SeverityBadge,
  blocking,
} from "../../components/basics";
import { Stat } from "../../components/Stat";
import { Chart } from "../../components/Chart";
import { number } from "../../format";
import { useT } from "../../text";
import { trafficOption } from "../../components/traffic";
import { WaitingDestinations } from "../undelivered/Undelivered";
import { ButtonLink } from "../../components/links";

const severities = ["CRITICAL", "MAJOR", "MINOR", "WARNING", "UNCLEARED", "CLEARED"] as const;

type Overview = NonNullable<ReturnType<typeof useOverview>["data"]>;

export function Home() {
  const t = useT();
  const overview = useOverview();
  if (blocking(overview)) return <Problem error={overview.error} retry={() => void overview.refetch()} />;
  if (!overview.data) return <Loading />;
  const { devices, alarms, deliveries } = overview.data;
  if (!devices.totalCount) return <Beginning />;
  return (
    <>
      <PageTitle title={t("nav.home")} />
      <Figures of={overview.data} />
      <WaitingDestinations waiting={deliveries.destinations} />
      <Grid>
        <Grid.Col span={{ base: 12, lg: 5 }}>
          <Health devices={devices} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 7 }}>
          <Traffic />
        </Grid.Col>
        <Grid.Col span={12}>
          <Severities alarms={alarms} />
        </Grid.Col>
      </Grid>
    </>
  );
}

/** What to do first, for who has no devices yet. */
function Beginning() {
  const t = useT();
  return (
    <>
      <PageTitle title={t("nav.home")} />
      <Empty icon={IconCpu} title={t("home.empty")} text={t("home.emptyText")}>
        <IfMayChange>
          <ButtonLink to="/first-steps" leftSection={<IconFlag size={16} />}>
            {t("firstSteps.title")}
          </ButtonLink>
          <ButtonLink to="/devices/new" variant="default" leftSection={<IconPlus size={16} />}>
            {t("devices.new")}
          </ButtonLink>
          <ButtonLink to="/devices/import" variant="default" leftSection={<IconUpload size={16} />}>
            {t("devices.import")}
          </ButtonLink>
        </IfMayChange>
        <ButtonLink to="/developers" variant="subtle">
          {t("home.useApi")}
        </ButtonLink>
      </Empty>
    </>
  );
}

function Figures({ of: { devices, alarms, deliveries, withoutRouting } }: { of: Overview }) {
  const t = useT();
  const open = Object.entries(alarms).reduce((sum, [state, count]) => sum + (state === "CLEARED" ? 0 : count), 0);
  return (
    <SimpleGrid cols={{ base: 1, xs: 2, lg: 4 }} mb="md">
      <Stat
        icon={IconCpu}
        label={t("home.devices")}
        value={number(devices.totalCount)}
        to="/devices"
        note={t("home.active", { count: number(devices.activeCount) })}
      />
      <Stat
        icon={IconBell}
        label={t("home.alarms")}
        value={number(open)}
        to="/alarms"
        color={open ? "orange" : "veld"}
        note={t("home.alarmsNote")}
      />
      <Stat
        icon={IconMailX}
        label={t("home.undelivered")}
        value={number(deliveries.undelivered)}
        to="/undelivered"
        color={deliveries.undelivered ? "red" : deliveries.destinations.length ? "orange" : "veld"}
        note={t("home.pending", { count: number(deliveries.pending) })}
      />
      <Stat
        icon={IconRoute}
        label={t("home.unrouted")}
        value={number(withoutRouting)}
        to="/routing"
        color={withoutRouting ? "orange" : "veld"}
        note={t("home.unroutedNote")}
      />
    </SimpleGrid>
  );
}

function Health({ devices }: Pick<Overview, "devices">) {
  const t = useT();
  const share = (count: number) => (100 * count) / devices.totalCount;
  return (
    <Panel title={t("home.health")} h="100%">
      <Group wrap="nowrap" gap="lg">
        <RingProgress
          size={150}
          thickness={16}
          aria-label={t("home.health")}
          sections={[
            { value: share(devices.activeCount), color: "veld" },
            { value: share(devices.rfConnectionErrorCount), color: "red" },
            { value: share(devices.initCount), color: "gray" },
          ]}
          label={
            <Text ta="center" fw={700} size="lg">
              {Math.round(share(devices.activeCount))} %
            </Text>
          }
        />
        <HealthStates devices={devices} />
      </Group>
    </Panel>
  );
}

/** How many devices have each state, with links to them. */
function HealthStates({ devices }: Pick<Overview, "devices">) {
  const t = useT();
  const navigate = useNavigate();
  return (
    <Stack gap={4} style={{ flex: 1 }}>
      {(
        [
          ["ACTIVE", devices.activeCount, "veld"],
          ["RF_CNX_ERROR", devices.rfConnectionErrorCount, "red"],
          ["INIT", devices.initCount, "gray"],
        ] as const
      ).map(([state, count, color]) => (
        <UnstyledButton
          key={state}
          onClick={() => void navigate({ to: "/devices", search: { healthState: state } })}
          style={{ borderRadius: 8, padding: "6px 8px" }}
        >
          <Group justify="space-between" wrap="nowrap">
            <Group gap={8} wrap="nowrap">
              <ThemeIcon size={10} radius="xl" color={color} />
              <Text size="sm">{t(`health.${state}`)}</Text>
            </Group>
            <Text fw={600}>{number(count)}</Text>
          </Group>
        </UnstyledButton>
      ))}
    </Stack>
  );
}

function Traffic() {
  const t = useT();
  const traffic = $api.useQuery(
    "get",
    "/api/v1/statistics",
    { params: { query: { duration: 1 } } },
    { refetchInterval: 60_000 },
  );
  const option = useMemo(() => trafficOption(traffic.data ?? [], t, 1), [traffic.data, t]);
  return (
    <Panel
      title={t("home.traffic")}
      h="100%"
      right={
        <ButtonLink variant="subtle" size="compact-sm" to="/logger">
          {t("nav.logger")}
        </ButtonLink>
      }
    >
      {traffic.data?.length ? (
        <Chart label={t("home.traffic")} option={option} height={190} />
      ) : (
        <Text c="dimmed" py="xl" ta="center">
          {t("home.noTraffic")}
        </Text>
      )}
    </Panel>
  );
}

function Severities({ alarms }: Pick<Overview, "alarms">) {
  const t = useT();
  const navigate = useNavigate();
  return (
    <Panel title={t("home.severity")}>
      <Group>
        {severities
          .filter((state) => alarms[state])
          .map((state) => (
            <UnstyledButton
              key={state}
              onClick={() => void navigate({ to: "/alarms", search: { state, acked: "false" } })}
            >
              <SeverityBadge state={state} count={alarms[state]} />
            </UnstyledButton>
          ))}
        {!severities.some((state) => alarms[state]) && (
          <Text c="dimmed" size="sm">
            {t("home.noAlarms")}
          </Text>
        )}
      </Group>
    </Panel>
  );
}
