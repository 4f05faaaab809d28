// What is known of the device or base station that somebody has chosen on the map.
import { Badge, Button, CloseButton, Group, Stack } from "@mantine/core";
import type { Schemas } from "../../api/client";
import { Facts, HealthBadge, Loading, Mono, Panel, Time } from "../../components/basics";
import { ButtonLink } from "../../components/links";
import { number } from "../../format";
import { useT } from "../../text";
import { useDevice } from "./api";

export type Station = Schemas["MapStation"];

interface CardProps {
  onClose: () => void;
}

export function DeviceCard({ deviceRef, onClose }: CardProps & { deviceRef: string }) {
  const t = useT();
  const device = useDevice(deviceRef).data;
  const of = device?.statistics;
  return (
    <Panel
      title={device?.name ?? t("devices.one")}
      right={<CloseButton aria-label={t("common.close")} onClick={onClose} />}
    >
      {!device ? (
        <Loading rows={2} />
      ) : (
        <Stack gap="xs" data-testid="map-card">
          <Group gap="xs">
            <Mono>{device.EUI}</Mono>
            <HealthBadge state={of?.healthState} />
          </Group>
          <Facts
            items={[
              [t("device.lastUplink"), <Time key="u" at={of?.lastUplinkTime} short />],
              [t("device.rssi"), number(of?.lastRSSI, "dBm")],
              [t("device.snr"), number(of?.lastSNR, "dB")],
            ]}
          />
          <Group>
            <ButtonLink size="xs" variant="default" to="/devices/$ref" params={{ ref: deviceRef }}>
              {t("map.openDevice")}
            </ButtonLink>
          </Group>
        </Stack>
      )}
    </Panel>
  );
}

export function StationCard({
  station,
  only,
  onOnly,
  onClose,
}: CardProps & { station: Station; only: boolean; onOnly: () => void }) {
  const t = useT();
  return (
    <Panel title={station.name ?? station.id} right={<CloseButton aria-label={t("common.close")} onClick={onClose} />}>
      <Stack gap="xs" data-testid="map-card">
        <Group gap="xs">
          <Mono>{station.id}</Mono>
          <Badge variant="dot" color={station.connected ? "veld" : "red"} tt="none">
            {t(station.connected ? "map.connected" : "map.disconnected")}
          </Badge>
        </Group>
        <Facts
          items={[
            [t("map.lastHeard"), <Time key="h" at={station.lastHeard} short />],
            [t("map.frames"), number(station.frames)],
          ]}
        />
        <Group>
          <Button size="xs" variant="default" onClick={onOnly}>
            {t(only ? "map.allStations" : "map.onlyStation")}
          </Button>
        </Group>
      </Stack>
    </Panel>
  );
}
