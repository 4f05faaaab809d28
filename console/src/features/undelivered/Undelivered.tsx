import { useNavigate } from "@tanstack/react-router";
import { Box, Button, Group, Select, Stack, Switch, Text, ThemeIcon } from "@mantine/core";
import { IconClock, IconMailCheck, IconRepeat } from "@tabler/icons-react";
import { useMemo } from "react";
import type { Schemas } from "../../api/client";
import { useOverview } from "../../api/overview";
import { Empty, IfMayChange, Mono, PageTitle, Panel, Time } from "../../components/basics";
import { DataTable, type Column } from "../../components/DataTable";
import { useConfirm, useTell } from "../../components/notify";
import { number } from "../../format";
import { useRedeliver, useUndelivered } from "./api";
import { useSession } from "../../session";
import { useT, type Key, type Translate } from "../../text";
import { useFilters, type FiltersOf } from "../../navigation";
import { Rows } from "../../components/TablePage";
import { TextLink } from "../../components/links";

/** Days back. */
const ranges = ["1", "7", "35"] as const;

export type Message = Schemas["UndeliveredMessage"];

/** The device, or multicast group, of a message: its name where it is still there. */
function Device({ row }: { row: Message }) {
  return (
    <>
      {row.deviceName && <Text size="sm">{row.deviceName}</Text>}
      <Mono>{row.deviceEUI}</Mono>
    </>
  );
}

function messageColumns(t: Translate): Column<Message>[] {
  return [
    { key: "at", title: t("common.time"), render: (row) => <Time at={row.creationTime} short /> },
    { key: "device", title: "DevEUI", render: (row) => <Device row={row} /> },
    { key: "message", title: t("logger.message"), render: (row) => <MessageName row={row} /> },
    { key: "state", title: t("alarms.state"), render: (row) => <State row={row} t={t} /> },
    // A server and its words are long: together they have the room of two columns.
    {
      key: "error",
      title: t("undelivered.error"),
      width: "30%",
      wide: true,
      render: (row) => <Answer row={row} t={t} />,
    },
  ];
}

function MessageName({ row }: { row: Message }) {
  return (
    <>
      {row.message}
      {row.asId && (
        <Text size="xs" c="dimmed">
          AS ID {row.asId}
        </Text>
      )}
    </>
  );
}

const reasons: Record<string, Key> = {
  expired: "undelivered.expired",
  refused: "undelivered.refused",
  refusedRepeatedly: "undelivered.refusedRepeatedly",
  noRoute: "undelivered.noRoute",
  profileDeleted: "undelivered.profileDeleted",
  connectionDeleted: "undelivered.connectionDeleted",
  transformationFailed: "undelivered.transformationFailed",
  deviceDeleted: "undelivered.deviceDeleted",
  addressRefused: "undelivered.addressRefused",
};

function State({ row, t }: { row: Message; t: Translate }) {
  const reason = row.reason ? reasons[row.reason] : undefined;
  const pending = row.state === "pending";
  return (
    <>
      {pending ? t("undelivered.pending") : reason ? t(reason) : (row.reason ?? t("undelivered.given"))}
      {pending && row.nextAttemptAt && (
        <Text size="xs" c="dimmed">
          {t("undelivered.next")} <Time at={row.nextAttemptAt} short />
        </Text>
      )}
      {row.expiryTime && (
        <Text size="xs" c="dimmed">
          {t("undelivered.until")} <Time at={row.expiryTime} short />
        </Text>
      )}
    </>
  );
}

/** What the server said last, and when. */
function Answer({ row, t }: { row: Message; t: Translate }) {
  if (!row.lastError && !row.attempts)
    return (
      <Text size="sm" c="dimmed">
        {t("undelivered.untried")}
      </Text>
    );
  return (
    <>
      {row.address && (
        <Text size="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>
          {row.address}
        </Text>
      )}
      <Text size="sm" className="poor" inherit style={{ overflowWrap: "anywhere" }}>
        {row.lastError ?? "–"}
      </Text>
      <Text size="xs" c="dimmed">
        {t("undelivered.attempts", { count: row.attempts })}
        {row.lastAttemptAt && (
          <>
            {" "}
            · <Time at={row.lastAttemptAt} short />
          </>
        )}
      </Text>
    </>
  );
}

type Waiting = Schemas["Waiting"];

function Destination({ of }: { of: Waiting }) {
  const { user, customerId, workFor } = useSession();
  // Who looks after the network opens it as its subscriber sees it.
  const adopt = () => {
    if (user?.kind === "operator" && customerId !== of.customerId) workFor(of.customerId);
  };
  return (
    <>
      <TextLink
        to="/routing/$ref"
        params={{ ref: of.routingProfileRef }}
        size="sm"
        style={{ overflowWrap: "anywhere" }}
        onClick={adopt}
      >
        {of.address ?? of.asId ?? of.routingProfileRef}
      </TextLink>
      <Text size="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>
        {[of.routingProfileName, user?.kind === "operator" && of.customerId].filter(Boolean).join(" · ")}
      </Text>
    </>
  );
}

function LastError({ of }: { of: Waiting }) {
  return (
    <>
      <Text size="sm" className="poor" style={{ overflowWrap: "anywhere" }}>
        {of.lastError ?? "–"}
      </Text>
      <Text size="xs" c="dimmed">
        <Time at={of.lastAttemptAt} short />
      </Text>
    </>
  );
}

/** Destinations that keep messages waiting: a delivery failed, or they are queued for more than a minute. */
export function WaitingDestinations({ waiting }: { waiting: readonly Waiting[] }) {
  const t = useT();
  if (!waiting.length) return null;
  return (
    <Box mb="md">
      <Panel
        title={
          <Group gap="xs" wrap="nowrap">
            <ThemeIcon variant="light" color="orange" size="sm">
              <IconClock size={14} />
            </ThemeIcon>
            {t("undelivered.waitingTitle")}
          </Group>
        }
      >
        <DataTable
          label={t("undelivered.waitingTitle")}
          rows={[...waiting]}
          id={(row) => `${row.routingProfileRef}-${row.asId}-${row.address}`}
          minWidth={560}
          columns={[
            {
              key: "server",
              title: t("undelivered.server"),
              render: (row) => <Destination of={row} />,
            },
            {
              key: "waiting",
              title: t("undelivered.waiting"),
              align: "right",
              render: (row) => number(row.waiting),
            },
            {
              key: "oldest",
              title: t("undelivered.oldest"),
              render: (row) => <Time at={row.oldestTime} short />,
            },
            {
              key: "error",
              title: t("undelivered.error"),
              render: (row) => <LastError of={row} />,
            },
            {
              key: "next",
              title: t("undelivered.next"),
              render: (row) => <Time at={row.nextAttemptAt} short />,
            },
          ]}
        />
      </Panel>
    </Box>
  );
}

type Filters = FiltersOf<"/undelivered">;

/** From when on messages are listed, and whether those too that wait. */
export function usePeriod({ days = "7", pending }: Filters) {
  const from = useMemo(() => new Date(Date.now() - Number(days) * 86_400_000).toISOString(), [days]);
  return { from, pending: pending === "true" };
}

export function UndeliveredFilters({ filters, onChange }: { filters: Filters; onChange: (change: Filters) => void }) {
  const t = useT();
  return (
    <Group mb="sm">
      <Select
        aria-label={t("chart.range")}
        w={180}
        allowDeselect={false}
        value={filters.days ?? "7"}
        onChange={(value) => onChange({ days: ranges.find((range) => range === value) })}
        data={ranges.map((value) => ({
          value,
          label: value === "1" ? t("chart.day") : t("chart.days", { days: Number(value) }),
        }))}
      />
      <Switch
        label={t("undelivered.withPending")}
        checked={filters.pending === "true"}
        onChange={(event) => onChange({ pending: event.currentTarget.checked ? "true" : undefined })}
      />
    </Group>
  );
}

interface MessagesProps {
  query: { data: Message[] | undefined; error: unknown; refetch: () => unknown };
  /** Whether some have not been tried for the last time yet. */
  waiting?: boolean;
}

/** Messages; one opens the frames of its device. */
export function Messages({ query, waiting = false }: MessagesProps) {
  const t = useT();
  const navigate = useNavigate();
  return (
    <Stack gap="xs">
      <Rows
        label={t("nav.undelivered")}
        query={query}
        columns={messageColumns(t)}
        id={(row) => row.id}
        onOpen={(row) =>
          void navigate({ to: "/logger", search: { deviceEUI: row.deviceEUI ?? undefined, live: "off" } })
        }
        empty={
          <Empty
            icon={IconMailCheck}
            title={t(waiting ? "undelivered.noneYet" : "undelivered.none")}
            text={t("undelivered.noneText")}
          />
        }
      />
      {query.data?.length === 1000 && (
        <Text size="sm" c="dimmed">
          {t("undelivered.most")}
        </Text>
      )}
    </Stack>
  );
}

export function UndeliveredPage() {
  const t = useT();
  const { run } = useTell();
  const confirm = useConfirm();
  const [filters, setFilters] = useFilters("/undelivered");
  const { from, pending } = usePeriod(filters);
  const found = useUndelivered(from, pending);
  const overview = useOverview();
  const redelivery = useRedeliver();
  const waiting = overview.data?.deliveries.destinations ?? [];
  const again = () =>
    confirm(
      t("undelivered.againTitle"),
      t("undelivered.againText"),
      t("undelivered.again"),
      () =>
        void run(
          redelivery.mutateAsync({ from, to: new Date(Date.now() + 60_000).toISOString() }),
          t("undelivered.begun"),
        ),
    );
  return (
    <>
      <PageTitle title={t("nav.undelivered")} below={t("undelivered.below")}>
        <IfMayChange>
          <Button
            leftSection={<IconRepeat size={16} />}
            aria-haspopup="dialog"
            onClick={again}
            disabled={!found.data?.some((row) => row.state !== "pending")}
          >
            {t("undelivered.again")}
          </Button>
        </IfMayChange>
      </PageTitle>
      <WaitingDestinations waiting={waiting} />
      <UndeliveredFilters filters={filters} onChange={setFilters} />
      <Messages query={found} waiting={Boolean(overview.data?.deliveries.pending)} />
    </>
  );
}
