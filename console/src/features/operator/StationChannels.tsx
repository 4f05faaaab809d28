// What a base station heard and sent on each channel: signal and duty cycle.
import { Text } from "@mantine/core";
import type { Schemas } from "../../api/client";
import { countColumn, DataTable, type Column } from "../../components/DataTable";
import { number, percent } from "../../format";
import { useT, type Translate } from "../../text";
import { useChannels } from "./api";

type Channel = Schemas["ChannelTotals"];

export function StationChannels({ id, days }: { id: string; days: number }) {
  const t = useT();
  const { data } = useChannels(id, days);
  if (!data?.length) return null;
  return (
    <>
      <Text size="sm" fw={600} mt="md" mb={4}>
        {t("history.channels")}
      </Text>
      <DataTable
        label={t("history.channels")}
        rows={data}
        id={(row) => row.channel}
        columns={columnsOf(t)}
        minWidth={700}
      />
    </>
  );
}

function columnsOf(t: Translate): Column<Channel>[] {
  return [
    {
      key: "channel",
      title: t("history.channel"),
      render: (row) => (row.frequency === null ? t("history.otherChannels") : row.channel),
    },
    {
      key: "frequency",
      title: t("history.frequency"),
      align: "right",
      value: (row) => row.frequency,
      render: (row) => number(row.frequency, "", 3),
    },
    countColumn("frames", t("history.framesHeard"), (row) => row.frames),
    {
      key: "rssi",
      title: "RSSI (dBm)",
      align: "right",
      value: (row) => row.rssi,
      render: (row) => <Level mean={row.rssi} least={row.rssiMin} most={row.rssiMax} />,
    },
    {
      key: "snr",
      title: "SNR (dB)",
      align: "right",
      value: (row) => row.snr,
      render: (row) => <Level mean={row.snr} least={row.snrMin} most={row.snrMax} />,
    },
    countColumn("downlinks", t("history.framesSent"), (row) => row.downlinks),
    {
      key: "dutyCycle",
      title: t("history.dutyCycleMean"),
      align: "right",
      value: (row) => row.dutyCycle,
      render: (row) => (row.downlinks ? percent(row.dutyCycle, 3) : "–"),
    },
    {
      key: "dutyCycleMax",
      title: t("history.fullestHour"),
      align: "right",
      value: (row) => row.dutyCycleMax,
      render: (row) => (row.downlinks ? percent(row.dutyCycleMax, 3) : "–"),
    },
  ];
}

/** The mean, and the range in small. */
function Level({ mean, least, most }: { mean: number | null; least: number | null; most: number | null }) {
  if (mean === null) return "–";
  return (
    <>
      {number(mean)}
      {least !== most && (
        <Text size="xs" c="dimmed" style={{ whiteSpace: "nowrap" }}>
          {number(least)} … {number(most)}
        </Text>
      )}
    </>
  );
}
