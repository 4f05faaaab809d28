// One screen that follows a new device to its first reading: what was heard, what is missing, and what to do about it.
import { Alert, Badge, Button, Code, Group, Loader, Stack, Text, ThemeIcon } from "@mantine/core";
import { IconCheck, IconConfetti } from "@tabler/icons-react";
import { Fragment, useEffect, useMemo } from "react";
import { useQueryClient } from "@tanstack/react-query";
import type { Schemas } from "../../api/client";
import { refresh } from "../../api/changes";
import { Mono, Panel, Time } from "../../components/basics";
import { DataTable } from "../../components/DataTable";
import { Findings } from "../../components/Findings";
import { ButtonLink } from "../../components/links";
import { clockTime, number } from "../../format";
import { useT, useTexts, type Key } from "../../text";
import { listsOfDevices, oneDevice, useExplanation } from "../devices/api";
import { outcomeText } from "../logger/outcome";
import { useFrames, type Line } from "../logger/useFrames";
import { useUnknownDevices } from "../operator/api";
import { progressOf } from "./steps";

interface Unknown {
  deviceEUI: string;
  joinEUI: string | undefined;
}

interface Props {
  device: Schemas["Device"];
  /** Sees devices that are heard and registered nowhere. */
  operator: boolean;
  onAnother: (unknown?: Unknown) => void;
}

export function Waiting({ device, operator, onAnother }: Props) {
  const t = useT();
  const { language } = useTexts();
  const queries = useQueryClient();
  const ref = device.ref ?? "";
  const filters = useMemo(() => ({ deviceEUI: device.EUI }), [device.EUI]);
  const { lines, state } = useFrames(filters, true, true);
  const progress = progressOf(lines);
  const explanation = useExplanation(ref, language, 5000);
  const newest = lines[0]?.id;
  useEffect(() => {
    if (newest !== undefined) refresh(queries, [...oneDevice, ...listsOfDevices]);
  }, [newest, queries]);
  const findings = explanation.data?.findings ?? [];
  const problems = findings.filter(
    (finding) => finding.level === "problem" && (progress.reading || !finding.code.startsWith("routing.")),
  );
  return (
    <Stack>
      <Panel
        title={device.name}
        right={
          <Badge variant="dot" color={state === "live" ? "veld" : "orange"} tt="none">
            {t(state === "live" ? "firstSteps.live" : "firstSteps.connecting")}
          </Badge>
        }
      >
        <Stack gap="sm" role="status">
          <Text size="sm" c="dimmed">
            DevEUI <Mono>{device.EUI}</Mono>
          </Text>
          <Stage label={t("firstSteps.heard")} line={progress.heard} waiting />
          <Stage label={t("firstSteps.joined")} line={progress.joined} waiting={Boolean(progress.heard)} />
          <Stage label={t("firstSteps.reading")} line={progress.reading} waiting={Boolean(progress.joined)} />
        </Stack>
      </Panel>
      {progress.reading && <Arrived device={device} line={progress.reading} onAnother={() => onAnother()} />}
      {(!progress.reading || problems.length > 0) && findings.length > 0 && (
        <Panel
          title={t(progress.reading ? "firstSteps.missing" : problems.length ? "firstSteps.why" : "firstSteps.state")}
        >
          <Findings findings={problems.length ? problems : findings} />
        </Panel>
      )}
      {operator && !progress.heard && <HeardElsewhere onUse={onAnother} />}
      {lines.length > 0 && <Heard lines={lines.slice(0, 10)} />}
    </Stack>
  );
}

function Stage({ label, line, waiting }: { label: string; line: Line | undefined; waiting: boolean }) {
  const t = useT();
  return (
    <Group gap="sm" wrap="nowrap">
      {line ? (
        <ThemeIcon size={26} radius="xl" aria-hidden>
          <IconCheck size={16} />
        </ThemeIcon>
      ) : waiting ? (
        <Loader size={26} aria-hidden />
      ) : (
        <ThemeIcon size={26} radius="xl" variant="default" aria-hidden>
          {" "}
        </ThemeIcon>
      )}
      <div>
        <Text size="sm" fw={600}>
          {label}
        </Text>
        <Text size="xs" c="dimmed">
          {line ? <Time at={line.time} /> : t(waiting ? "firstSteps.waiting" : "firstSteps.notYet")}
        </Text>
      </div>
    </Group>
  );
}

/** The first reading, and what comes next. */
function Arrived({ device, line, onAnother }: { device: Schemas["Device"]; line: Line; onAnother: () => void }) {
  const t = useT();
  const decoded = line.decoded;
  const routed = device.routingProfileId && !device.routingProfileId.endsWith(".dummy");
  return (
    <Alert color="veld" icon={<IconConfetti size={20} />} title={t("firstSteps.arrived")} role="status">
      <Stack gap="sm">
        {decoded ? (
          <Code block tabIndex={0}>
            {JSON.stringify(decoded, null, 2)}
          </Code>
        ) : (
          <Text size="sm">
            {t(line.encrypted ? "readings.lockedText" : "firstSteps.undecoded")}{" "}
            {line.payload && !line.encrypted && <Mono>{line.payload}</Mono>}
          </Text>
        )}
        <Group gap="xs">
          <ButtonLink to="/devices/$ref" params={{ ref: device.ref ?? "" }}>
            {t("newDevice.open")}
          </ButtonLink>
          {!routed && (
            <ButtonLink to="/routing/$ref" params={{ ref: "new" }} variant="default">
              {t("firstSteps.route")}
            </ButtonLink>
          )}
          {!decoded && !line.encrypted && (
            <ButtonLink to="/decoders" variant="default">
              {t("nav.decoders")}
            </ButtonLink>
          )}
          <Button variant="default" onClick={onAnother}>
            {t("firstSteps.another")}
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}

/** Devices that ask to join and are not registered: perhaps the DevEUI is another than was entered. */
function HeardElsewhere({ onUse }: { onUse: (unknown: Unknown) => void }) {
  const t = useT();
  const unknown = useUnknownDevices();
  const asking = (unknown.data ?? []).flatMap((one) => (one.deviceEUI ? [{ ...one, deviceEUI: one.deviceEUI }] : []));
  if (!asking.length) return null;
  return (
    <Panel title={t("firstSteps.unknown")}>
      <Stack gap="xs">
        <Text size="sm" c="dimmed">
          {t("firstSteps.unknownText")}
        </Text>
        {asking.slice(0, 5).map((one) => (
          <Group key={one.deviceEUI} gap="sm">
            <Mono>{one.deviceEUI}</Mono>
            <Text size="sm" c="dimmed">
              {one.baseStations[0]?.baseStationName} · <Time at={one.lastTime} short />
            </Text>
            <Button
              size="compact-sm"
              variant="default"
              onClick={() => onUse({ deviceEUI: one.deviceEUI, joinEUI: one.joinEUI ?? undefined })}
            >
              {t("unknown.create")}
            </Button>
          </Group>
        ))}
      </Stack>
    </Panel>
  );
}

function Heard({ lines }: { lines: Line[] }) {
  const t = useT();
  return (
    <Panel
      title={t("firstSteps.soFar")}
      right={
        <ButtonLink variant="subtle" size="compact-sm" to="/logger" search={{ deviceEUI: lines[0]?.deviceEUI ?? "" }}>
          {t("nav.logger")}
        </ButtonLink>
      }
    >
      <DataTable
        label={t("firstSteps.soFar")}
        minWidth={400}
        rows={lines}
        id={(line) => line.id}
        columns={[
          { key: "time", title: t("common.time"), render: (line) => clockTime(line.time) },
          { key: "type", title: t("logger.type"), render: (line) => t(`packet.${line.type}` as Key) },
          { key: "status", title: t("logger.status"), render: (line) => <Outcome line={line} /> },
          { key: "signal", title: "RSSI, SNR", render: (line) => <Signal line={line} /> },
          { key: "by", title: t("logger.station"), render: (line) => <Mono>{line.baseStationId ?? "–"}</Mono> },
        ]}
      />
    </Panel>
  );
}

function Outcome({ line }: { line: Line }) {
  const t = useT();
  if (line.type.startsWith("DOWNLINK"))
    return line.delivered === false ? <span className="poor">{t("logger.sentNo")}</span> : <>{t("logger.sentYes")}</>;
  if (line.outcome === "accepted") return <>{t("firstSteps.accepted")}</>;
  return <span className="poor">{outcomeText(line.outcome, t)}</span>;
}

/** One below the other where there is no room beside each other. */
function Signal({ line }: { line: Line }) {
  const values = [
    ...(line.rssi === null ? [] : [number(line.rssi, "dBm")]),
    ...(line.snr === null ? [] : [number(line.snr, "dB")]),
  ];
  if (!values.length) return "–";
  return values.map((value, index) => (
    <Fragment key={value}>
      {index > 0 && ", "}
      <span style={{ whiteSpace: "nowrap" }}>{value}</span>
    </Fragment>
  ));
}
