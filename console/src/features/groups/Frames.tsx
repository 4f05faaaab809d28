// What a group was sent, and the cause at each base station that has not sent it.
import { Badge, Text } from "@mantine/core";
import { Mono, Panel, Time } from "../../components/basics";
import { DataTable, type Column } from "../../components/DataTable";
import { blocking, Loading, Problem } from "../../components/problem";
import { useT, type Key, type Translate } from "../../text";
import { useGroupFrames, type GroupFrame } from "./api";

const colours = { QUEUED: "gray", SENDING: "blue", SUCCESS: "green", ABORTED: "red", DISCARDED: "gray" } as const;

export function Frames({ groupRef }: { groupRef: string }) {
  const t = useT();
  const found = useGroupFrames(groupRef);
  return (
    <Panel title={t("groups.frames")}>
      {blocking(found) ? (
        <Problem error={found.error} retry={() => void found.refetch()} />
      ) : !found.data ? (
        <Loading />
      ) : found.data.frames.length ? (
        <DataTable
          label={t("groups.frames")}
          rows={found.data.frames}
          id={(row) => row.id}
          minWidth={680}
          columns={columnsOf(t)}
        />
      ) : (
        <Text c="dimmed">{t("groups.noFrames")}</Text>
      )}
    </Panel>
  );
}

function columnsOf(t: Translate): Column<GroupFrame>[] {
  return [
    { key: "time", title: t("common.time"), render: (row) => <Time at={row.submissionTime} short /> },
    {
      key: "status",
      title: t("alarms.state"),
      value: (row) => row.status,
      render: (row) => (
        <Badge variant="light" color={colours[row.status]} tt="none" style={{ color: "var(--mantine-color-text)" }}>
          {t(`groupStatus.${row.status}`)}
        </Badge>
      ),
    },
    { key: "counter", title: "FCntDown", align: "right", render: (row) => row.fCntDown ?? "–" },
    { key: "port", title: "FPort", align: "right", render: (row) => row.fPort },
    {
      key: "stations",
      title: t("groups.sentBy"),
      render: (row) => t("groups.ofStations", { sent: row.succeeded, of: row.baseStations }),
    },
    { key: "attempts", title: t("groups.attempts"), align: "right", render: (row) => row.attempts },
    { key: "causes", title: t("groups.causes"), render: (row) => <Causes frame={row} /> },
  ];
}

function Causes({ frame }: { frame: GroupFrame }) {
  const t = useT();
  const failed = frame.outcomes.filter((outcome) => outcome.cause && !outcome.sent);
  if (!failed.length) return "–";
  return failed.slice(0, 5).map((outcome) => (
    <Text key={outcome.baseStationId} size="xs">
      <Mono>{outcome.baseStationId}</Mono> {t(`cause.${outcome.cause}` as Key)} ({outcome.cause})
    </Text>
  ));
}
