// Alarms as rows, with their acknowledgement.
import { Button, Group, Pagination, Stack, Text } from "@mantine/core";
import { IconBell, IconBellOff, IconCheck, IconUser } from "@tabler/icons-react";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { Empty, IfMayChange, Loading, Problem, SeverityBadge, Time, blocking } from "../../components/basics";
import { DataTable, type Column } from "../../components/DataTable";
import { useTell } from "../../components/notify";
import { number } from "../../format";
import { useSession } from "../../session";
import { AlarmDrawer } from "./AlarmDetails";
import { SubjectLink } from "./SubjectLink";
import { useAcknowledge, useAlarms, type AlarmQuery } from "./api";
import { useT, type Translate } from "../../text";

type Alarm = Schemas["AlarmLine"];
const PAGE = 100;

interface TableProps {
  filters: AlarmQuery;
  withDevice?: boolean;
  page?: number;
  onPage?: (page: number) => void;
}

/** Alarms of all devices, or of one; a page at a time where pages can be turned. */
export function AlarmTable({ filters, withDevice = true, page = 1, onPage }: TableProps) {
  const t = useT();
  const { run } = useTell();
  const { mayChange } = useSession();
  const [selected, setSelected] = useState<Set<string>>(new Set());
  const found = useAlarms({ ...filters, page, pageSize: PAGE });
  const acknowledgement = useAcknowledge();
  const [opened, setOpened] = useState<string | null>(null);
  const acknowledge = (refs: string[]) =>
    void run(acknowledgement.mutateAsync(refs), t("alarms.ackDone", { count: refs.length })).then(() => {
      setSelected(new Set());
    });
  if (blocking(found)) return <Problem error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading />;
  const { alarms, total, more } = found.data;
  const open = alarms.filter((alarm) => !alarm.acked);
  const columns = columnsOf(t, withDevice, (alarm) => acknowledge([alarm.ref]));
  return (
    <Stack gap="sm">
      <AlarmDrawer alarmRef={opened} onClose={() => setOpened(null)} />
      {mayChange && open.length > 0 && (
        <Group>
          <Button size="xs" variant="default" disabled={!selected.size} onClick={() => acknowledge([...selected])}>
            {t("alarms.ackSelected", { count: selected.size })}
          </Button>
          <Button size="xs" variant="subtle" onClick={() => acknowledge(open.map((alarm) => alarm.ref))}>
            {t("alarms.ackPage", { count: open.length })}
          </Button>
        </Group>
      )}
      <DataTable
        label={t("nav.alarms")}
        rows={alarms}
        columns={columns}
        id={(alarm) => alarm.ref}
        onOpen={(alarm) => setOpened(alarm.ref)}
        selected={selected}
        onSelect={mayChange ? setSelected : undefined}
        empty={
          <Empty
            icon={IconBell}
            title={t("alarms.none")}
            text={t(withDevice ? "alarms.noneText" : "alarms.noneDeviceText")}
          />
        }
      />
      {onPage && total > PAGE && <Turning page={page} onPage={onPage} total={total} more={more} />}
    </Stack>
  );
}

interface TurningProps {
  page: number;
  onPage: (page: number) => void;
  total: number;
  more: boolean;
}

function Turning({ page, onPage, total, more }: TurningProps) {
  const t = useT();
  return (
    <Group justify="space-between">
      <Text size="sm" c="dimmed">
        {number(total)}
        {more ? "+" : ""}
      </Text>
      <Pagination
        total={Math.ceil(total / PAGE)}
        value={page}
        onChange={onPage}
        getControlProps={(control) => ({ "aria-label": t(`table.${control}`) })}
      />
    </Group>
  );
}

function columnsOf(t: Translate, withDevice: boolean, acknowledge: (alarm: Alarm) => void): Column<Alarm>[] {
  return [
    {
      key: "state",
      title: t("alarms.state"),
      width: 120,
      render: (alarm) => <SeverityBadge state={alarm.state} />,
    },
    ...(withDevice
      ? [
          {
            key: "device",
            title: t("logger.device"),
            render: (alarm: Alarm) => <Concerned alarm={alarm} />,
          },
        ]
      : []),
    {
      key: "text",
      title: t("alarms.alarm"),
      // The sentence is read first; times beside it are short.
      width: "30%",
      render: (alarm) => <Words alarm={alarm} />,
    },
    {
      key: "occurrence",
      title: t("alarms.occurrence"),
      align: "right",
      value: (alarm) => alarm.occurrence,
      render: (alarm) => number(alarm.occurrence),
    },
    { key: "updated", title: t("alarms.updated"), render: (alarm) => <Times alarm={alarm} /> },
    {
      key: "acked",
      title: t("alarms.acked"),
      render: (alarm) => <Acknowledgement alarm={alarm} acknowledge={() => acknowledge(alarm)} />,
    },
  ];
}

/** What it concerns. */
function Concerned({ alarm }: { alarm: Alarm }) {
  return (
    <>
      <SubjectLink alarm={alarm} />
      <Text size="xs" c="dimmed" ff="monospace">
        {alarm.deviceEUI}
      </Text>
    </>
  );
}

function Times({ alarm }: { alarm: Alarm }) {
  const t = useT();
  return (
    <>
      <Time at={alarm.lastUpdateTime} short />
      <Text size="xs" c="dimmed">
        {t("alarms.created")} <Time at={alarm.creationTime} short />
      </Text>
    </>
  );
}

function Words({ alarm }: { alarm: Alarm }) {
  const t = useT();
  return (
    <>
      <Text size="sm">{alarm.text}</Text>
      <Group gap={8}>
        <Text size="xs" c="dimmed">
          {String(alarm.type).padStart(3, "0")}
        </Text>
        {alarm.mutedUntil && (
          <Text size="xs" c="dimmed">
            <IconBellOff size={12} aria-hidden /> {t("alarms.muted")}
          </Text>
        )}
        {alarm.assigneeName && (
          <Text size="xs" c="dimmed">
            <IconUser size={12} aria-hidden /> {alarm.assigneeName}
          </Text>
        )}
        {alarm.comments > 0 && (
          <Text size="xs" c="dimmed">
            {t("alarms.commentCount", { count: alarm.comments })}
          </Text>
        )}
      </Group>
    </>
  );
}

function Acknowledgement({ alarm, acknowledge }: { alarm: Alarm; acknowledge: () => void }) {
  const t = useT();
  return alarm.acked ? (
    <Text size="sm">
      <IconCheck size={14} aria-hidden /> {alarm.ackAuthor}{" "}
      <Text span size="xs" c="dimmed">
        <Time at={alarm.lastAckTime} short />
      </Text>
    </Text>
  ) : (
    <IfMayChange>
      <Button
        size="compact-sm"
        variant="light"
        onClick={(event) => {
          event.stopPropagation();
          acknowledge();
        }}
      >
        {t("alarms.ack")}
      </Button>
    </IfMayChange>
  );
}
