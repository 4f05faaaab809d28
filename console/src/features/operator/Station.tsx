// One base station.
import { useNavigate, useParams } from "@tanstack/react-router";
import { Alert, Grid, Group, Stack, Text } from "@mantine/core";
import type { Schemas } from "../../api/client";
import {
  Facts,
  IfMayChange,
  Loading,
  Mono,
  PageTitle,
  Panel,
  Problem,
  SeverityBadge,
  Time,
  blocking,
} from "../../components/basics";
import { Missing } from "../../components/missing";
import { TextLink } from "../../components/links";
import { WorldMap } from "../../components/Map";
import { useConfirm, useTell } from "../../components/notify";
import { number, percent } from "../../format";
import { useDeleteStation, useStations, useWorth } from "./api";
import { useT, type Key, type Translate } from "../../text";
import { openDialog } from "../../components/dialogs";
import { FrameList } from "../logger/FrameList";
import { StationForm } from "./StationForm";
import { StationAvailability, StationHistory } from "./StationHistory";
import { StationConfiguration } from "./StationConfiguration";
import { StationCertificates } from "./StationCertificates";
import { StationTokens } from "./StationTokens";
import { StationUpdatesPanel } from "./StationUpdates";
import { DeleteButton, DialogButton } from "../../components/actions";
import { Connected, Load } from "./StationSigns";
import { type ReactNode } from "react";

export function StationPage() {
  const t = useT();
  const { id } = useParams({ from: "/operator/base-stations/$id" });
  const found = useStations();
  if (blocking(found)) return <Problem error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading />;
  const station = found.data.find((one) => one.id === id);
  if (!station) return <Missing list="/operator/base-stations" />;
  return (
    <>
      <PageTitle
        title={station.name}
        below={
          <Group gap={8} mt={4}>
            <Mono>{station.id}</Mono>
            <Connected station={station} />
            {station.alarms.map((alarm) => (
              <SeverityBadge key={alarm.alarmTypeId} state={alarm.alarmState} />
            ))}
          </Group>
        }
      >
        <Actions station={station} />
      </PageTitle>
      <Warnings station={station} />
      <Grid>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Stack>
            <Status station={station} />
            <StationTokens station={station} />
            <StationCertificates station={station} />
            <StationUpdatesPanel station={station} />
            <CurrentAlarms station={station} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Stack>
            <Place station={station} />
            <StationAvailability id={id} connectedOnce={station.lastSeen !== null} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={12}>
          <StationConfiguration station={station} />
        </Grid.Col>
        <Grid.Col span={12}>
          <Worth id={id} />
        </Grid.Col>
        <Grid.Col span={12}>
          <StationHistory id={id} />
        </Grid.Col>
        <Grid.Col span={12}>
          <Panel title={t("device.frames")}>
            <FrameList fixed={{ baseStationId: id }} height={420} decode={false} />
          </Panel>
        </Grid.Col>
      </Grid>
    </>
  );
}

type Station = Schemas["StationView"];

function Actions({ station }: { station: Station }) {
  const t = useT();
  const navigate = useNavigate();
  const confirm = useConfirm();
  const { run } = useTell();
  const deletion = useDeleteStation(station.id);
  const remove = () =>
    confirm(
      t("stations.removeTitle", { name: station.name }),
      t("stations.removeText"),
      t("common.delete"),
      () =>
        void run(deletion.mutateAsync(), t("stations.removed")).then((answer) => {
          if (!answer) return;
          void navigate({ to: "/operator/base-stations" });
        }),
    );
  const edit = () =>
    openDialog(t("stations.editOf", { name: station.name }), <StationForm station={station} />, { size: "lg" });
  return (
    <IfMayChange>
      <DialogButton variant="default" onClick={edit}>
        {t("common.edit")}
      </DialogButton>
      <DeleteButton onClick={remove} />
    </IfMayChange>
  );
}

/** What is wrong with it that its figures do not say. */
function Warnings({ station }: { station: Station }) {
  const t = useT();
  return (
    <>
      {station.duplicateEui.length > 0 && (
        <Alert color="red" mb="md" role="alert" title={t("stations.duplicate")}>
          {t("stations.duplicateText", { addresses: station.duplicateEui.join(", ") })}
        </Alert>
      )}
      {station.clockError !== null && (
        <Alert color="orange" mb="md">
          {t("stations.clock", { seconds: Math.abs(Math.round(station.clockError)) })}
        </Alert>
      )}
    </>
  );
}

function CurrentAlarms({ station }: { station: Station }) {
  const t = useT();
  if (!station.alarms.length) return null;
  return (
    <Panel title={t("nav.alarms")}>
      {station.alarms.map((alarm) => (
        <Group key={alarm.alarmTypeId} gap={8}>
          <SeverityBadge state={alarm.alarmState} />
          <Text size="sm">
            {t(`alarmType.${alarm.alarmTypeId}` as Key)} {alarm.additionalInfos.join(" · ")}
          </Text>
        </Group>
      ))}
    </Panel>
  );
}

/** Names and values, as `Facts` shows them. */
type Fact = [ReactNode, ReactNode];

function Status({ station }: { station: Station }) {
  const t = useT();
  return (
    <Panel title={t("stations.status")}>
      <Facts items={[...connectionFacts(station, t), ...frameFacts(station, t), ...radioFacts(station, t)]} />
    </Panel>
  );
}

function connectionFacts(station: Station, t: Translate): Fact[] {
  return [
    ["EUI", <Mono key="e">{station.gatewayEUI}</Mono>],
    [t("stations.profile"), [station.profileName, station.region].filter(Boolean).join(" · ") || "–"],
    [t("stations.protocol"), station.protocol ?? "–"],
    [t("stations.connectedFrom"), station.address ? <Mono key="a">{station.address}</Mono> : "–"],
    [
      t("stations.session"),
      station.sessionSince ? (
        <span key="n">
          <Time at={station.sessionSince} /> · {t("stations.reconnects", { count: station.sessions - 1 })}
        </span>
      ) : (
        "–"
      ),
    ],
    [t("stations.lastSeen"), <Time key="s" at={station.lastSeen} />],
    [t("stations.upSince"), <Time key="u" at={station.upSince} />],
    [t("stations.lastFrame"), <Time key="f" at={station.lastFrame} />],
  ];
}

/** What came of its frames; nothing is said of what never happened. */
function frameFacts(station: Station, t: Translate): Fact[] {
  const facts: Fact[] = [
    [
      t("stations.packets"),
      station.packets
        ? t("stations.packetsText", {
            count: number(station.packets),
            bad: percent(station.badPackets / station.packets),
          })
        : "–",
    ],
    [t("stations.refused"), number(station.refusedFrames)],
  ];
  if (station.lastRefusal)
    facts.push([
      t("stations.lastRefusal"),
      <span key="r">
        {station.lastRefusal} · <Time at={station.lastRefusalAt} short />
      </span>,
    ]);
  if (station.irregularFrames)
    facts.push([
      t("stations.irregular"),
      <span key="i">
        {number(station.irregularFrames)} · {station.lastIrregularity} · <Time at={station.lastIrregularityAt} short />
      </span>,
    ]);
  return facts;
}

function radioFacts(station: Station, t: Translate): Fact[] {
  return [
    [t("stations.radio"), <Radio key="p" station={station} />],
    [t("stations.backhaul"), percent(station.acknowledged)],
    [t("stations.load"), <Load key="l" share={station.load} />],
    [
      t("stations.dutyCycle"),
      Object.entries(station.dutyCycle as Record<string, number>)
        .map(([band, share]) => `${band} ${percent(share, 2)}`)
        .join(" · ") || "–",
    ],
  ];
}

/** Antenna and power, and what is left of the power where the base station has refused some. */
function Radio({ station }: { station: Station }) {
  const t = useT();
  const { antennaGain, maxTxPower, learntMaxTxPower } = station;
  const parts = [
    antennaGain !== null && `${number(antennaGain)} dBi`,
    maxTxPower !== null && t("stations.powerAtMost", { power: maxTxPower }),
    learntMaxTxPower !== null &&
      learntMaxTxPower !== maxTxPower &&
      t("stations.powerLearnt", { power: learntMaxTxPower }),
  ].filter(Boolean);
  return <>{parts.join(" · ") || t("stations.ofProfile")}</>;
}

function Place({ station }: { station: Station }) {
  const t = useT();
  const placed = station.latitude !== null && station.longitude !== null;
  return (
    <Panel title={t("device.place")}>
      {placed ? (
        <WorldMap
          label={t("device.place")}
          height={300}
          fit={station.id}
          spots={[
            {
              id: station.id,
              latitude: station.latitude ?? 0,
              longitude: station.longitude ?? 0,
              kind: "station",
              label: station.name,
              color: station.connected ? "veld" : "red",
            },
          ]}
        />
      ) : (
        <Text size="sm" c="dimmed">
          {t("stations.noPlace")}
        </Text>
      )}
    </Panel>
  );
}

/** What goes dark without it. */
function Worth({ id }: { id: string }) {
  const t = useT();
  const worth = useWorth();
  const mine = worth.data?.find((one) => one.id === id);
  if (!mine) return null;
  const count = mine.only + mine.weak;
  return (
    <Panel
      title={t("worth.ifItFails")}
      right={
        <TextLink to="/operator/coverage" search={{ station: id }} size="sm">
          {t("worth.show")}
        </TextLink>
      }
    >
      <Text size="sm">
        {count
          ? t("worth.goDark", { count, only: mine.only, weak: mine.weak })
          : t(mine.addsNothing ? "worth.addsNothingText" : "worth.nothingDark")}{" "}
        {mine.improved > 0 && t("worth.improvedText", { count: mine.improved })}
      </Text>
    </Panel>
  );
}
