// What lists and pages of base stations show in short.
import { Badge, Group, Progress, Text } from "@mantine/core";
import type { Schemas } from "../../api/client";
import { number, percent } from "../../format";
import { useT } from "../../text";

type Station = Schemas["StationView"];

export function Connected({ station }: { station: Station }) {
  const t = useT();
  return (
    <Badge variant="dot" color={station.connected ? "veld" : "red"} tt="none">
      {t(station.connected ? "stations.up" : station.lastSeen ? "stations.down" : "stations.never")}
    </Badge>
  );
}

export function Refused({ station }: { station: Station }) {
  if (!station.refusedFrames) return <>0</>;
  return (
    <>
      <span className="poor">{number(station.refusedFrames)}</span>
      <Text size="xs" c="dimmed" maw={160} lineClamp={3} ml="auto" style={{ whiteSpace: "normal" }}>
        {station.lastRefusal}
      </Text>
    </>
  );
}

export function Load({ share }: { share: number }) {
  const t = useT();
  return (
    <Group gap={6} wrap="nowrap">
      <Progress
        value={share * 100}
        w={48}
        color={share > 0.9 ? "red" : share > 0.7 ? "orange" : "veld"}
        aria-label={t("stations.load")}
      />
      <Text size="sm" style={{ whiteSpace: "nowrap" }}>
        {percent(share, 0)}
      </Text>
    </Group>
  );
}
