// All that is known of one frame.
import { type ReactNode } from "react";
import { Badge, Box, Button, Code, Grid, Stack, Table, Text } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { type Schemas } from "../../api/client";
import { $api } from "../../api/queries";
import { Facts, Loading, Mono, Problem, Time, blocking } from "../../components/basics";
import { hex, localTime, number, utcTime } from "../../format";
import { useT, useTexts, type Key, type Translate } from "../../text";
import type { Line } from "./useFrames";
import { Findings } from "../../components/Findings";

interface Copy {
  base_station: string;
  rssi: number | null;
  snr: number | null;
  received_at: number;
  late?: boolean;
}

interface FrameRecord {
  fctrl?: number;
  confirmed?: boolean;
  copies?: Copy[];
  frequency?: number;
  modulation?: { type: string; sf?: number; bandwidth?: number; bitrate?: number };
  mic?: string;
  phy_payload?: string;
  device_class?: string;
  decisions?: string[];
  cause_rx1?: string;
  cause_rx2?: string;
  cause_ping?: string;
  fpending?: boolean;
  ack?: boolean;
  correlation_id?: string | null;
  acknowledged_fcnt?: number | null;
}

interface Delivery {
  as_id: string | null;
  message: string;
  status: string;
  url?: string;
  error?: string;
  ms?: number;
}

const mtypes: Record<string, [string, string]> = {
  UP: ["UnconfirmedDataUp", "ConfirmedDataUp"],
  DOWN: ["UnconfirmedDataDown", "ConfirmedDataDown"],
};

export function mtype(line: Line): string {
  if (line.type === "UPLINK_JOIN") return "JoinRequest";
  if (line.type === "DOWNLINK_JOIN") return "JoinAccept";
  const names = mtypes[line.type.startsWith("UP") ? "UP" : line.type.startsWith("DOWNLINK") ? "DOWN" : ""];
  return names?.[line.confirmed ? 1 : 0] ?? "–";
}

export function FrameDetails({ line }: { line: Line }) {
  const { language } = useTexts();
  const found = $api.useQuery("get", "/api/v1/frames/{frameId}", {
    params: { path: { frameId: line.id }, query: { language } },
  });
  if (blocking(found))
    return (
      <Box p="md">
        <Problem error={found.error} />
      </Box>
    );
  if (!found.data)
    return (
      <Box p="md">
        <Loading rows={3} />
      </Box>
    );
  const record = (found.data.record ?? {}) as FrameRecord;
  const late = (found.data.lateCopies as unknown as Copy[][]).flat();
  const copies = [...(record.copies ?? []), ...late];
  const deliveries = found.data.deliveries as unknown as Delivery[];
  return (
    <Box
      p="md"
      style={{
        background: "var(--mantine-color-default-hover)",
        borderBottom: "1px solid var(--mantine-color-default-border)",
        whiteSpace: "normal",
      }}
      data-testid="frame-details"
    >
      <Grid>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Stack gap="sm">
            <RadioFacts line={line} record={record} />
            <Contents line={line} frame={found.data} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Stack gap="sm">
            <Explained findings={found.data.explanation?.findings} />
            {copies.length > 0 && <HeardBy copies={copies} />}
            {line.type.startsWith("DOWNLINK") && <Sent line={line} record={record} />}
            {(deliveries.length > 0 || line.deliveries === "PENDING") && (
              <Deliveries deliveries={deliveries} pending={line.deliveries === "PENDING"} />
            )}
            {(record.decisions?.length ?? 0) > 0 && <Decisions decisions={record.decisions ?? []} />}
            <Saving id={line.id} frame={found.data} />
          </Stack>
        </Grid.Col>
      </Grid>
    </Box>
  );
}

function Explained({ findings }: { findings: Parameters<typeof Findings>[0]["findings"] | undefined }) {
  const t = useT();
  if (!findings)
    return (
      <Text size="sm" c="dimmed">
        {t("logger.bodyGone")}
      </Text>
    );
  return (
    <div>
      <Text size="sm" fw={600} mb={4}>
        {t("logger.explained")}
      </Text>
      <Findings findings={findings} />
    </div>
  );
}

function Saving({ id, frame }: { id: string; frame: unknown }) {
  const t = useT();
  return (
    <div>
      <Button
        size="compact-xs"
        variant="subtle"
        leftSection={<IconDownload size={13} />}
        onClick={() => save(id, frame)}
      >
        {t("logger.json")}
      </Button>
    </div>
  );
}

function flagsOf(line: Line, record: FrameRecord, t: Translate): string[] {
  return [
    record.fctrl !== undefined && record.fctrl & 0x80 && "ADR",
    record.fctrl !== undefined && record.fctrl & 0x40 && "ADRAckReq",
    (record.ack || (record.fctrl ?? 0) & 0x20) && "ACK",
    record.fpending && "FPending",
    line.late && t("logger.late"),
    line.overLimit && t("logger.overLimit"),
  ].filter((flag) => typeof flag === "string");
}

function radioOf(line: Line, { modulation }: FrameRecord): string {
  return [
    line.frequency ? number(line.frequency / 1e6, "MHz", 3) : null,
    modulation?.sf ? `SF${modulation.sf}BW${modulation.bandwidth}` : null,
    line.subBand,
    line.channel === null ? null : `LC${line.channel + 1}`,
    line.slot,
  ]
    .filter(Boolean)
    .join(" · ");
}

function distanceOf({ distance }: Line): string {
  if (distance === null) return "–";
  return distance < 1000 ? number(distance, "m", 0) : number(distance / 1000, "km", 2);
}

/** What its header and the radio say. */
function RadioFacts({ line, record }: { line: Line; record: FrameRecord }) {
  const t = useT();
  const flags = flagsOf(line, record, t);
  return (
    <Facts
      items={[
        [
          t("common.time"),
          <span key="t">
            {localTime(line.time)}{" "}
            <Text span size="xs" c="dimmed">
              {utcTime(line.time)}
            </Text>
          </span>,
        ],
        ["MType", mtype(line)],
        ...(line.joinEUI && line.deviceEUI
          ? [
              ["DevEUI", <Mono key="d">{line.deviceEUI}</Mono>] as [string, React.ReactNode],
              ["JoinEUI", <Mono key="j">{line.joinEUI}</Mono>] as [string, React.ReactNode],
            ]
          : []),
        [
          t("logger.flags"),
          flags.length
            ? flags.map((flag) => (
                <Badge key={flag} size="sm" variant="default" mr={4} tt="none">
                  {flag}
                </Badge>
              ))
            : "–",
        ],
        ...(line.fCntUp !== null ? [["FCntUp", String(line.fCntUp)] as [string, string]] : []),
        ...(line.aFCntDown !== null ? [["AFCntDown", String(line.aFCntDown)] as [string, string]] : []),
        ...(line.nFCntDown !== null ? [["NFCntDown", String(line.nFCntDown)] as [string, string]] : []),
        ...(line.devAddr ? [["DevAddr", <Mono key="a">{line.devAddr}</Mono>] as [string, React.ReactNode]] : []),
        ...(line.fPort !== null ? [["FPort", String(line.fPort)] as [string, string]] : []),
        [t("logger.radio"), radioOf(line, record) || "–"],
        ...(line.esp !== null ? [["ESP", number(line.esp, "dBm")] as [string, string]] : []),
        [t("logger.airtime"), line.airtime === null ? "–" : number(line.airtime * 1000, "ms")],
        [t("device.class"), record.device_class ?? (/^UPLINK_(DATA|MAC)/.test(line.type) ? "A" : "–")],
        ["MIC", line.mic ? <Mono key="m">{line.mic.toUpperCase()}</Mono> : "–"],
        [t("logger.distance"), distanceOf(line)],
        ...(record.correlation_id
          ? [["CorrelationID", <Mono key="c">{record.correlation_id}</Mono>] as [string, React.ReactNode]]
          : []),
      ]}
    />
  );
}

function Commands({ title, commands }: { title: React.ReactNode; commands: string[] }) {
  if (commands.length === 0) return null;
  return (
    <div>
      <Text size="sm" fw={600}>
        {title}
      </Text>
      {commands.map((command, index) => (
        <Code key={index} block mt={4} style={{ whiteSpace: "pre-wrap" }}>
          {command}
        </Code>
      ))}
    </div>
  );
}

function Contents({ line, frame }: { line: Line; frame: Schemas["FrameDetail"] }) {
  const t = useT();
  const mac = line.mac && <Mono dimmed>{hex(line.mac)}</Mono>;
  return (
    <>
      <Commands
        title={
          <>
            {t("logger.mac")} {mac}
          </>
        }
        commands={frame.macCommands}
      />
      <Commands title={t("logger.package")} commands={frame.packageCommands} />
      {line.payload && (
        <div>
          <Text size="sm" fw={600}>
            {t("logger.payload")}{" "}
            <Text span c="dimmed" size="sm">
              {t("downlinks.size", { size: line.size })}
              {line.encrypted ? ` · ${t("logger.encrypted")}` : ""}
            </Text>
          </Text>
          <Code block style={{ whiteSpace: "pre-wrap", wordBreak: "break-all" }}>
            {hex(line.payload)}
          </Code>
        </div>
      )}
      {line.decoded ? (
        <div>
          <Text size="sm" fw={600}>
            {t("logger.decoded")}
          </Text>
          <Code block tabIndex={0}>
            {JSON.stringify(line.decoded, null, 2)}
          </Code>
        </div>
      ) : null}
    </>
  );
}

/** A small table under its title. */
function Listed({ title, columns, children }: { title: string; columns: string[]; children: ReactNode }) {
  return (
    <div>
      <Text size="sm" fw={600}>
        {title}
      </Text>
      <Table className="data" aria-label={title}>
        <Table.Thead>
          <Table.Tr>
            {columns.map((column) => (
              <Table.Th key={column}>{column}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>{children}</Table.Tbody>
      </Table>
    </div>
  );
}

function HeardBy({ copies }: { copies: Copy[] }) {
  const t = useT();
  return (
    <Listed title={t("logger.heardBy")} columns={[t("logger.station"), "RSSI", "SNR", t("common.time")]}>
      {copies.map((copy, index) => (
        <Table.Tr key={index}>
          <Table.Td>
            <Mono>{copy.base_station}</Mono>
            {copy.late && (
              <Badge size="xs" ml={6} color="orange" variant="light">
                {t("logger.late")}
              </Badge>
            )}
          </Table.Td>
          <Table.Td>{number(copy.rssi, "dBm")}</Table.Td>
          <Table.Td>{number(copy.snr, "dB")}</Table.Td>
          <Table.Td>
            <Time at={new Date(copy.received_at * 1000).toISOString()} />
          </Table.Td>
        </Table.Tr>
      ))}
    </Listed>
  );
}

/** Whether a downlink was sent, and if not, why. */
function Sent({ line, record }: { line: Line; record: FrameRecord }) {
  const t = useT();
  return (
    <Facts
      items={[
        [t("logger.sent"), line.delivered ? t("logger.sentYes") : t("logger.sentNo")],
        ["RX1", cause(t, record.cause_rx1)],
        ["RX2", cause(t, record.cause_rx2)],
        ...(record.cause_ping ? [["Ping", cause(t, record.cause_ping)] as [string, string]] : []),
      ]}
    />
  );
}

function Deliveries({ deliveries, pending }: { deliveries: Delivery[]; pending: boolean }) {
  const t = useT();
  return (
    <Listed title={t("logger.deliveries")} columns={["AS", t("logger.message"), t("logger.status"), "URL", "ms"]}>
      {deliveries.map((delivery, index) => (
        <Table.Tr key={index}>
          <Table.Td>{delivery.as_id ?? "–"}</Table.Td>
          <Table.Td>{delivery.message}</Table.Td>
          <Table.Td className={delivery.status === "Ok" ? "good" : "poor"}>
            {t(`delivery.${delivery.status}` as Key)}
            {delivery.error ? `: ${delivery.error}` : ""}
          </Table.Td>
          <Table.Td style={{ wordBreak: "break-all" }}>{delivery.url}</Table.Td>
          <Table.Td>{delivery.ms ?? 0}</Table.Td>
        </Table.Tr>
      ))}
      {pending && (
        <Table.Tr>
          <Table.Td colSpan={5}>{t("sign.pending")}</Table.Td>
        </Table.Tr>
      )}
    </Listed>
  );
}

function Decisions({ decisions }: { decisions: string[] }) {
  const t = useT();
  return (
    <details>
      <summary style={{ cursor: "pointer" }}>
        <Text span size="sm">
          {t("logger.decisions")}
        </Text>
      </summary>
      {decisions.map((text, index) => (
        <Text key={index} size="sm" c="dimmed">
          • {text}
        </Text>
      ))}
    </details>
  );
}

function cause(t: Translate, code: string | undefined): string {
  if (code === undefined) return "–";
  return `${code} · ${t(`cause.${code}` as Key)}`;
}

function save(id: string, content: unknown) {
  const url = URL.createObjectURL(new Blob([JSON.stringify(content, null, 2)], { type: "application/json" }));
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = `frame-${id}.json`;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
