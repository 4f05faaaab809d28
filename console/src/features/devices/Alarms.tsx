import { Button, Checkbox, Grid, Group, Select, Stack, Text } from "@mantine/core";
import { IconBell, IconHistory } from "@tabler/icons-react";
import { useRef, useState } from "react";
import type { Schemas } from "../../api/client";
import { Empty, Loading, Panel, Problem, SeverityBadge, Time, blocking } from "../../components/basics";
import { DataTable } from "../../components/DataTable";
import { useTell } from "../../components/notify";
import { number, span } from "../../format";
import { useSession } from "../../session";
import { useT, useTexts } from "../../text";
import { same, useUnsaved } from "../../components/edits";
import { useAlarmHistory, useChangeThresholds } from "./api";
import { AlarmTable } from "../alarms/AlarmTable";

const durations = ["1_HOUR", "2_HOURS", "5_HOURS", "10_HOURS", "1_DAY", "2_DAYS", "4_DAYS", "7_DAYS", "15_DAYS"];
const levels = ["WARNING", "MINOR", "MAJOR", "CRITICAL"] as const;

export function DeviceAlarms({ device }: { device: Schemas["Device"] }) {
  const t = useT();
  const ref = device.ref ?? "";
  const history = useAlarmHistory(ref);
  return (
    <Grid>
      <Grid.Col span={{ base: 12, lg: 8 }}>
        <Stack>
          <Panel title={t("alarms.now")}>
            <AlarmTable filters={{ deviceRef: ref }} withDevice={false} />
          </Panel>
          <Panel title={t("alarms.history")}>
            {blocking(history) ? (
              <Problem error={history.error} />
            ) : !history.data ? (
              <Loading rows={2} />
            ) : (
              <DataTable
                label={t("alarms.history")}
                rows={history.data}
                id={(row) => `${row.deviceAlarmTypeId}-${row.deviceAlarmObjectId}-${row.clearanceTime}`}
                minWidth={500}
                empty={<Empty icon={IconHistory} title={t("alarms.noHistory")} text={t("alarms.noHistoryText")} />}
                columns={[
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
                        <Text size="sm">{row.alarmType}</Text>
                        <Text size="xs" c="dimmed">
                          {row.additionalInfos.join(" · ")}
                        </Text>
                      </>
                    ),
                  },
                  {
                    key: "occurrence",
                    title: t("alarms.occurrence"),
                    align: "right",
                    render: (row) => number(row.occurrence),
                  },
                  {
                    key: "created",
                    title: t("alarms.created"),
                    render: (row) => <Time at={row.creationTime} />,
                  },
                  {
                    key: "cleared",
                    title: t("alarms.cleared"),
                    render: (row) => <Time at={row.clearanceTime} />,
                  },
                ]}
              />
            )}
          </Panel>
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 4 }}>
        <Thresholds key={device.statistics?.lastUpdateTime} device={device} />
      </Grid.Col>
    </Grid>
  );
}

function Thresholds({ device }: { device: Schemas["Device"] }) {
  const { t, language } = useTexts();
  const { mayChange } = useSession();
  const { run } = useTell();
  const [steps, setSteps] = useState(() =>
    [0, 1].map((index) => {
      const given = device.alarmThresholds?.[index];
      return {
        enabled: given?.enabled ?? false,
        durationOfInactivity: given?.durationOfInactivity ?? (index ? "7_DAYS" : "2_DAYS"),
        level: given?.level ?? (index ? "MAJOR" : "WARNING"),
      };
    }),
  );
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
  if (!mayChange) {
    return (
      <Panel title={t("thresholds.title")}>
        {steps.some((step) => step.enabled) ? (
          steps
            .filter((step) => step.enabled)
            .map((step, index) => (
              <Text key={index} size="sm">
                {span(step.durationOfInactivity, language)} ·{" "}
                {t(step.level === "ALL" ? "alarmFilter.ANY" : `severity.${step.level}`)}
              </Text>
            ))
        ) : (
          <Text size="sm" c="dimmed">
            {t("thresholds.none")}
          </Text>
        )}
      </Panel>
    );
  }
  return (
    <Panel title={t("thresholds.title")}>
      <Stack>
        <Text size="sm" c="dimmed">
          {t("thresholds.text")}
        </Text>
        {steps.map((step, index) => (
          <Stack key={index} gap={6}>
            <Checkbox
              label={t("thresholds.step", { step: index + 1 })}
              checked={step.enabled}
              disabled={index === 1 && !steps[0]?.enabled}
              onChange={(event) => change(index, { enabled: event.currentTarget.checked })}
            />
            <Group grow align="flex-end">
              <Select
                aria-label={t("thresholds.duration")}
                allowDeselect={false}
                disabled={!step.enabled}
                value={step.durationOfInactivity}
                onChange={(value) => change(index, { durationOfInactivity: value })}
                data={durations.map((value) => ({ value, label: span(value, language) }))}
              />
              <Select
                aria-label={t("thresholds.level")}
                allowDeselect={false}
                disabled={!step.enabled}
                value={step.level}
                onChange={(value) => change(index, { level: value })}
                data={levels.map((value) => ({ value, label: t(`severity.${value}`) }))}
              />
            </Group>
          </Stack>
        ))}
        <Button onClick={save} leftSection={<IconBell size={16} />}>
          {t("common.save")}
        </Button>
      </Stack>
    </Panel>
  );
}
