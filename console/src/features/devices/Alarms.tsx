import { Button, Checkbox, Grid, Group, Select, Stack, Text } from "@mantine/core";
import { IconBell, IconHistory } from "@tabler/icons-react";
import { useRef, useState } from "react";
import type { Schemas } from "../../api/client";
import { Empty, Panel, SeverityBadge, Time } from "../../components/basics";
import { Rows } from "../../components/TablePage";
import type { Column } from "../../components/DataTable";
import { useTell } from "../../components/notify";
import { number, span } from "../../format";
import { useSession } from "../../session";
import { useT, useTexts, type Key, type Translate } from "../../text";
import { same, useUnsaved } from "../../components/edits";
import { useAlarmHistory, useChangeThresholds } from "./api";
import { AlarmTable } from "../alarms/AlarmTable";

const durations = ["1_HOUR", "2_HOURS", "5_HOURS", "10_HOURS", "1_DAY", "2_DAYS", "4_DAYS", "7_DAYS", "15_DAYS"];
const levels = ["WARNING", "MINOR", "MAJOR", "CRITICAL"] as const;

export function DeviceAlarms({ device }: { device: Schemas["Device"] }) {
  const t = useT();
  const ref = device.ref ?? "";
  return (
    <Grid>
      {/* Beside the thresholds its last column, with the buttons, would be cut off. */}
      <Grid.Col span={12}>
        <Panel title={t("alarms.now")}>
          <AlarmTable filters={{ deviceRef: ref }} withDevice={false} />
        </Panel>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 8 }}>
        <Panel title={t("alarms.history")}>
          <History deviceRef={ref} />
        </Panel>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 4 }}>
        <Thresholds key={device.statistics?.lastUpdateTime} device={device} />
      </Grid.Col>
    </Grid>
  );
}

function History({ deviceRef }: { deviceRef: string }) {
  const t = useT();
  return (
    <Rows
      query={useAlarmHistory(deviceRef)}
      label={t("alarms.history")}
      id={(row) => `${row.deviceAlarmTypeId}-${row.deviceAlarmObjectId}-${row.clearanceTime}`}
      minWidth={500}
      empty={<Empty icon={IconHistory} title={t("alarms.noHistory")} text={t("alarms.noHistoryText")} />}
      columns={columnsOf(t)}
    />
  );
}

function columnsOf(t: Translate): Column<Schemas["PastAlarm"]>[] {
  return [
    {
      key: "state",
      title: t("alarms.state"),
      render: (row) => <SeverityBadge state={row.alarmState} />,
    },
    {
      key: "type",
      title: t("alarms.alarm"),
      render: (row) => (
        <>
          <Text size="sm">{t(`alarmType.${row.deviceAlarmTypeId}` as Key)}</Text>
          <Text size="xs" c="dimmed">
            {row.additionalInfos.join(" · ")}
          </Text>
        </>
      ),
    },
    { key: "occurrence", title: t("alarms.occurrence"), align: "right", render: (row) => number(row.occurrence) },
    { key: "created", title: t("alarms.created"), render: (row) => <Time at={row.creationTime} /> },
    { key: "cleared", title: t("alarms.cleared"), render: (row) => <Time at={row.clearanceTime} /> },
  ];
}

/** From when on a silent device has an alarm, and which; the first of two is the milder one. */
function stepOf(device: Schemas["Device"], index: number) {
  const given = device.alarmThresholds?.[index];
  return {
    enabled: given?.enabled ?? false,
    durationOfInactivity: given?.durationOfInactivity ?? (index ? "7_DAYS" : "2_DAYS"),
    level: given?.level ?? (index ? "MAJOR" : "WARNING"),
  };
}

type Step = ReturnType<typeof stepOf>;

function Thresholds({ device }: { device: Schemas["Device"] }) {
  const t = useT();
  const { mayChange } = useSession();
  const { run } = useTell();
  const [steps, setSteps] = useState(() => [0, 1].map((index) => stepOf(device, index)));
  const change = (index: number, part: object) =>
    setSteps((before) => before.map((step, at) => (at === index ? { ...step, ...part } : step)));
  const saving = useChangeThresholds(device.ref ?? "");
  const first = useRef(steps);
  const saved = useUnsaved(mayChange && !same(steps, first.current));
  const save = () =>
    void run(saving.mutateAsync({ alarmThresholds: steps.filter((step) => step.enabled) }), t("thresholds.saved")).then(
      (answer) => {
        if (!answer) return;
        first.current = steps;
        saved();
      },
    );
  if (!mayChange) return <ReadOnly steps={steps.filter((step) => step.enabled)} />;
  return (
    <Panel title={t("thresholds.title")}>
      <Stack>
        <Text size="sm" c="dimmed">
          {t("thresholds.text")}
        </Text>
        {steps.map((step, index) => (
          <StepFields
            key={index}
            number={index + 1}
            step={step}
            possible={index === 0 || steps[0]?.enabled === true}
            onChange={(part) => change(index, part)}
          />
        ))}
        <Button onClick={save} leftSection={<IconBell size={16} />}>
          {t("common.save")}
        </Button>
      </Stack>
    </Panel>
  );
}

/** What is set, for those who may not change it. */
function ReadOnly({ steps }: { steps: Step[] }) {
  const { t, language } = useTexts();
  return (
    <Panel title={t("thresholds.title")}>
      {steps.map((step, index) => (
        <Text key={index} size="sm">
          {span(step.durationOfInactivity, language)} ·{" "}
          {t(step.level === "ALL" ? "alarmFilter.ANY" : `severity.${step.level}`)}
        </Text>
      ))}
      {!steps.length && (
        <Text size="sm" c="dimmed">
          {t("thresholds.none")}
        </Text>
      )}
    </Panel>
  );
}

interface StepProps {
  number: number;
  step: Step;
  /** The second comes after the first. */
  possible: boolean;
  onChange: (part: Partial<Step>) => void;
}

function StepFields({ number, step, possible, onChange }: StepProps) {
  const { t, language } = useTexts();
  return (
    <Stack gap={6}>
      <Checkbox
        label={t("thresholds.step", { step: number })}
        checked={step.enabled}
        disabled={!possible}
        onChange={(event) => onChange({ enabled: event.currentTarget.checked })}
      />
      <Group grow align="flex-start">
        <Select
          aria-label={t("thresholds.duration")}
          allowDeselect={false}
          disabled={!step.enabled}
          value={step.durationOfInactivity}
          onChange={(value) => onChange({ durationOfInactivity: value as Step["durationOfInactivity"] })}
          data={durations.map((value) => ({ value, label: span(value, language) }))}
        />
        <Select
          aria-label={t("thresholds.level")}
          allowDeselect={false}
          disabled={!step.enabled}
          value={step.level}
          onChange={(value) => onChange({ level: value as Step["level"] })}
          data={levels.map((value) => ({ value, label: t(`severity.${value}`) }))}
        />
      </Group>
    </Stack>
  );
}
