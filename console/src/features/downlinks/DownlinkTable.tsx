// Downlinks as rows, live: of all devices, or of one.
import { Badge, Button, Group, Stack, Text } from "@mantine/core";
import { IconSend } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { DeviceLink, Empty, IfMayChange, Loading, Mono, Problem, Time, blocking } from "../../components/basics";
import { DataTable, type Column } from "../../components/DataTable";
import { useTell } from "../../components/notify";
import { hex, localTime, relative } from "../../format";
import { useT, useTexts, type Key } from "../../text";
import { useCancelDownlink, useDownlinks, type Wanted } from "./api";
import { colors, merged, type Downlink } from "./model";

const PAGE = 100;

interface TableProps {
  wanted: Wanted;
  changes: readonly Downlink[];
  onOpen: (id: string) => void;
  /** Nobody may cancel here what belongs to a subscriber. */
  looking?: boolean;
}

export function DownlinkTable({ wanted, changes, onOpen, looking = false }: TableProps) {
  const t = useT();
  const [pages, setPages] = useState<string[]>([]);
  const before = pages.at(-1) ?? null;
  const found = useDownlinks(wanted, before, PAGE);
  const status = wanted.status?.join();
  const rows = useMemo(() => {
    const fits = (one: Downlink) =>
      (!status || status.split(",").includes(one.status)) &&
      (before === null || one.id.length < before.length || (one.id.length === before.length && one.id < before));
    const listed = found.data?.downlinks ?? [];
    // Further back only what is listed changes.
    const told = before === null ? changes : changes.filter((one) => listed.some((known) => known.id === one.id));
    return merged(listed, told, fits).slice(0, 2 * PAGE);
  }, [found.data, changes, status, before]);
  const columns = useColumns(!wanted.deviceRef, looking);
  if (blocking(found)) return <Problem error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading rows={3} />;
  const next = found.data.next;
  return (
    <Stack gap="sm">
      <DataTable
        label={t("downlinks.title")}
        rows={rows}
        id={(row) => row.id}
        onOpen={(row) => onOpen(row.id)}
        minWidth={560}
        columns={columns}
        empty={
          pages.length ? undefined : (
            <Empty
              icon={IconSend}
              title={t("downlinks.none")}
              text={t(status ? "downlinks.noneMatch" : "downlinks.noneText")}
            />
          )
        }
      />
      {(pages.length > 0 || next) && (
        <Group justify="flex-end">
          <Button size="xs" variant="default" disabled={!pages.length} onClick={() => setPages(pages.slice(0, -1))}>
            {t("table.previous")}
          </Button>
          <Button size="xs" variant="default" disabled={!next} onClick={() => next && setPages([...pages, next])}>
            {t("table.next")}
          </Button>
        </Group>
      )}
    </Stack>
  );
}

function useColumns(withDevice: boolean, looking: boolean): Column<Downlink>[] {
  const t = useT();
  return [
    { key: "status", title: t("downlinks.status"), render: (row) => <State one={row} /> },
    ...(withDevice
      ? [
          {
            key: "device",
            title: t("devices.one"),
            render: (row: Downlink) => <Device of={row} linked={!looking} />,
          },
        ]
      : []),
    { key: "payload", title: t("downlinks.payload"), render: (row) => <Payload one={row} /> },
    { key: "port", title: "FPort", align: "right", render: (row) => row.fPort },
    { key: "counter", title: "FCntDn", align: "right", render: (row) => row.fCntDn ?? "–" },
    {
      key: "via",
      title: t("downlinks.via"),
      render: (row) =>
        row.baseStationId ? (
          <>
            <Mono>{row.baseStationId}</Mono>
            <Text size="xs" c="dimmed">
              {row.slot}
            </Text>
          </>
        ) : (
          "–"
        ),
    },
    { key: "time", title: t("common.time"), render: (row) => <Time at={row.lastUpdateTime} short /> },
    ...(looking
      ? []
      : [
          {
            key: "cancel",
            title: t("common.actions"),
            render: (row: Downlink) => row.status === "queued" && <Cancellation of={row} />,
          },
        ]),
  ];
}

function Device({ of, linked }: { of: Downlink; linked: boolean }) {
  return (
    <>
      {linked ? <DeviceLink deviceRef={of.deviceRef} name={of.deviceName} /> : <Text size="sm">{of.deviceName}</Text>}
      <Text size="xs" c="dimmed" ff="monospace">
        {of.deviceEUI}
      </Text>
    </>
  );
}

function Cancellation({ of }: { of: Downlink }) {
  const t = useT();
  const { run } = useTell();
  const cancelling = useCancelDownlink();
  return (
    <IfMayChange>
      <Button
        size="compact-xs"
        variant="subtle"
        color="red"
        onClick={(event) => {
          event.stopPropagation();
          void run(cancelling.mutateAsync(of), t("downlinks.cancelled"));
        }}
      >
        {t("downlinks.cancel")}
      </Button>
    </IfMayChange>
  );
}

/** Why a downlink was not sent, in words. */
export function useReason(): (one: Downlink) => string | null {
  const t = useT();
  return (one) => {
    const causes = one.causes.map(
      ({ slot, code }) => `${slot ? `${slot}: ` : ""}${t(`cause.${code}` as Key)} (${code})`,
    );
    const reason = one.reason && t(`downlinks.reason.${one.reason}` as Key);
    return [reason, ...causes].filter(Boolean).join(" · ") || null;
  };
}

function State({ one }: { one: Downlink }) {
  const { t, language } = useTexts();
  const reason = useReason();
  const details: Partial<Record<Downlink["status"], string | null | undefined | false>> = {
    queued: one.afterJoin
      ? t("downlinks.afterJoin")
      : one.expires && t("downlinks.expires", { time: localTime(one.expires) }),
    sent: one.confirmed && t("downlinks.awaited"),
    acknowledged: one.answerTime && t("downlinks.acknowledgedAt", { time: relative(one.answerTime, language) }),
    unacknowledged: t("downlinks.unacknowledgedText"),
    failed: reason(one),
  };
  return (
    <>
      <Badge variant="light" color={colors[one.status]} tt="none" autoContrast>
        {t(`downlinks.status.${one.status}`)}
      </Badge>
      {details[one.status] && (
        <Text size="xs" c="dimmed" mt={2} maw={260}>
          {details[one.status]}
        </Text>
      )}
    </>
  );
}

function Payload({ one }: { one: Downlink }) {
  const t = useT();
  return (
    <>
      {one.payload === null ? (
        <Text size="sm" c="dimmed">
          {t("downlinks.size", { size: one.size })}
        </Text>
      ) : (
        <Text size="sm" maw={240} lineClamp={2} style={{ overflowWrap: "anywhere" }}>
          <Mono>{hex(one.payload) || "–"}</Mono>
        </Text>
      )}
      {one.confirmed && (
        <Text size="xs" c="dimmed">
          {t("downlinks.confirmedFlag")}
        </Text>
      )}
    </>
  );
}
