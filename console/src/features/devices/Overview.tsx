import { Alert, Grid, Group, Progress, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import type { Schemas } from "../../api/client";
import { usePlans, useProfiles, useRouting } from "../../api/catalogues";
import { Facts, Loading, Mono, Panel, Problem, Time, blocking } from "../../components/basics";
import { number, percent } from "../../format";
import { Findings } from "../../components/Findings";
import { useExplanation } from "./api";
import { DevicePlace } from "./Place";
import { useT, useTexts, type Translate } from "../../text";

export function DeviceOverview({ device }: { device: Schemas["VeldnetDevice"] }) {
  const t = useT();
  return (
    <Grid>
      <Grid.Col span={{ base: 12, md: 6 }}>
        <Stack>
          {device.shadow && (
            <Alert color="blue" icon={<IconAlertTriangle size={20} />} title={t("device.shadow")}>
              {t("device.shadowText")}
            </Alert>
          )}
          {!device.routingProfileId && !device.shadow && (
            <Alert color="orange" icon={<IconAlertTriangle size={20} />} title={t("device.noRouting")}>
              {t("device.noRoutingText")}
            </Alert>
          )}
          <Diagnosis deviceRef={device.ref ?? ""} />
          <LastHeard of={device.statistics} />
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 6 }}>
        <Stack>
          <About device={device} />
          <DevicePlace device={device} />
        </Stack>
      </Grid.Col>
    </Grid>
  );
}

function About({ device }: { device: Schemas["VeldnetDevice"] }) {
  const t = useT();
  const plans = usePlans();
  const profiles = useProfiles();
  const routing = useRouting();
  const of = device.statistics;
  const plan = plans.find((one) => one.id === device.connectivityPlanId);
  const route = routing.find((one) => one.id === device.routingProfileId);
  return (
    <Panel title={t("device.what")}>
      <Facts
        items={[
          [
            t("device.profile"),
            profiles.find((one) => one.id === device.deviceProfileId)?.name ?? device.deviceProfileId,
          ],
          [t("device.manufacturer"), device.commercialDetails?.manufacturerName],
          [t("device.class"), of?.loraClass ?? device.deviceClass],
          [t("device.activation"), device.activationType],
          ["JoinEUI", device.applicationEUI ? <Mono key="j">{device.applicationEUI}</Mono> : "–"],
          [t("device.plan"), plan?.name ?? t("device.noPlan")],
          [t("device.routing"), device.shadow ? t("device.shadow") : (route?.name ?? t("device.noRouting"))],
          [t("device.hsm"), device.hsmGroupId ?? t("device.noHsm")],
          [t("device.motion"), device.motionIndicator ? t(`motion.${device.motionIndicator}`) : "–"],
          [t("device.info"), device.administrativeInfo],
          [t("device.created"), <Time key="c" at={of?.creationTime} />],
          [
            t("device.changed"),
            <span key="l">
              <Time at={of?.lastUpdateTime} /> · {of?.lastUpdateUser}
            </span>,
          ],
        ]}
      />
    </Panel>
  );
}

type Statistics = NonNullable<Schemas["Device"]["statistics"]>;

function LastHeard({ of }: { of: Statistics | undefined }) {
  const t = useT();
  return (
    <Panel title={t("device.heard")}>
      <Facts
        items={[
          [t("device.lastUplink"), <Time key="u" at={of?.lastUplinkTime} />],
          [t("device.lastDownlink"), <Time key="d" at={of?.lastDownlinkTime} />],
          [t("device.packets"), `${number(of?.last24hUplinkCount)} ↑  ${number(of?.last24hDownlinkCount)} ↓`],
          [t("device.rssi"), lastMean(t, number(of?.lastRSSI, "dBm"), number(of?.averageRSSI, "dBm"))],
          [t("device.snr"), lastMean(t, number(of?.lastSNR, "dB"), number(of?.averageSNR, "dB"))],
          [t("device.sf"), of?.lastSF ? `SF${of.lastSF}` : "–"],
          [t("device.per"), lastMean(t, percent(of?.lastInstantPER), percent(of?.lastMeanPER))],
          [
            t("device.battery"),
            of?.lastBatteryLevel === undefined ? (
              "–"
            ) : (
              <Battery key="b" level={of.lastBatteryLevel} at={of.lastBatteryLevelTime} />
            ),
          ],
        ]}
      />
    </Panel>
  );
}

function Battery({ level, at }: { level: number; at: string | undefined }) {
  const t = useT();
  return (
    <Group gap="xs" wrap="nowrap">
      <Progress
        value={level}
        w={90}
        color={level < 10 ? "red" : level < 30 ? "orange" : "veld"}
        aria-label={t("device.battery")}
      />
      <span>{level} %</span>
      <Text span size="xs" c="dimmed">
        <Time at={at} short />
      </Text>
    </Group>
  );
}

function Diagnosis({ deviceRef }: { deviceRef: string }) {
  const { t, language } = useTexts();
  const found = useExplanation(deviceRef, language);
  return (
    <Panel title={t("device.diagnosis")}>
      {blocking(found) ? (
        <Problem error={found.error} />
      ) : !found.data ? (
        <Loading rows={2} />
      ) : (
        <Findings findings={found.data.findings} />
      )}
    </Panel>
  );
}

/** The last value and the average, where there is one. */
function lastMean(t: Translate, last: string, mean: string): string {
  return mean === "–" ? last : t("device.lastMean", { last, mean });
}
