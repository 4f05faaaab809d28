import { Group, ScrollArea, Select, Stack, Table, Text } from "@mantine/core";
import { IconCode, IconLock } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { $api, type Schemas } from "../../api/client";
import { Empty, Loading, Panel, Problem, Time, blocking } from "../../components/basics";
import { Chart } from "../../components/Chart";
import { plain } from "../../format";
import { useT } from "../../text";
import { ButtonLink } from "../../components/links";

/** What the decoder of the device's profile reads in its payloads. */
export function DeviceReadings({ device }: { device: Schemas["Device"] }) {
  const t = useT();
  const [days, setDays] = useState("7");
  const from = useMemo(() => new Date(Date.now() - Number(days) * 86_400_000).toISOString(), [days]);
  const found = $api.useQuery(
    "get",
    "/api/v1/devices/{deviceRef}/readings",
    { params: { path: { deviceRef: device.ref ?? "" }, query: { from, limit: 1000 } } },
    { refetchInterval: 15_000 },
  );
  const readings = useMemo(() => found.data ?? [], [found.data]);
  const names = useMemo(
    () => [
      ...new Set(
        readings.flatMap((reading) =>
          Object.entries(reading.values as Record<string, unknown>)
            .filter(([, value]) => typeof value === "number")
            .map(([name]) => name),
        ),
      ),
    ],
    [readings],
  );
  const option = useMemo(
    () => ({
      xAxis: { type: "time", splitLine: { show: false } },
      yAxis: { type: "value", scale: true },
      dataZoom: [{ type: "inside", filterMode: "none" }],
      series: names.map((name) => ({
        name,
        type: "line",
        smooth: 0.2,
        showSymbol: readings.length < 60,
        data: readings.map((reading) => [reading.time, (reading.values as Record<string, unknown>)[name] ?? null]),
      })),
    }),
    [names, readings],
  );
  if (blocking(found)) return <Problem error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading />;
  if (device.hsmGroupId && !readings.length)
    return <Empty icon={IconLock} title={t("readings.locked")} text={t("readings.lockedText")} />;
  if (!readings.length) {
    return (
      <Empty icon={IconCode} title={t("readings.none")} text={t("readings.noneText")}>
        <ButtonLink to="/decoders">{t("nav.decoders")}</ButtonLink>
      </Empty>
    );
  }
  return (
    <Stack>
      <Group>
        <Select
          aria-label={t("chart.range")}
          w={150}
          allowDeselect={false}
          value={days}
          onChange={(value) => setDays(value ?? "7")}
          data={["1", "7", "15", "35"].map((range) => ({
            value: range,
            label: range === "1" ? t("chart.day") : t("chart.days", { days: Number(range) }),
          }))}
        />
      </Group>
      {names.length > 0 && (
        <Panel>
          <Chart label={t("device.readings")} option={option} height={320} save />
        </Panel>
      )}
      <Panel>
        <ScrollArea.Autosize mah={420}>
          <Table stickyHeader className="data" aria-label={t("device.readings")}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t("common.time")}</Table.Th>
                <Table.Th>{t("readings.values")}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {readings.slice(0, 200).map((reading) => (
                <Table.Tr key={reading.frameId}>
                  <Table.Td>
                    <Time at={reading.time} />
                  </Table.Td>
                  <Table.Td>
                    {reading.error ? (
                      <Text span className="poor" inherit>
                        {reading.error}
                      </Text>
                    ) : (
                      Object.entries(reading.values as Record<string, unknown>)
                        .map(([name, value]) => `${name} ${plain(value)}`)
                        .join(" · ")
                    )}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </ScrollArea.Autosize>
      </Panel>
    </Stack>
  );
}
