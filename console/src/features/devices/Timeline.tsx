// What happened to a device: joins, alarms, downlinks, and who changed what.
import { Box, Button, Group, Stack, Text, ThemeIcon, Timeline } from "@mantine/core";
import { IconBell, IconHistory, IconKey, IconPencil, IconSend, type Icon } from "@tabler/icons-react";
import type { Schemas } from "../../api/client";
import { Empty, Loading, Mono, Problem, SeverityBadge, Time } from "../../components/basics";
import { useFilters } from "../../navigation";
import { useT, type Key, type Translate } from "../../text";
import { useTimeline } from "./api";
import { outcomeText } from "../logger/outcome";

type Happened = Schemas["Event"];
type Kind = Happened["kind"];

const kinds: Record<Kind, { icon: Icon; title: Key }> = {
  join: { icon: IconKey, title: "timeline.join" },
  alarm: { icon: IconBell, title: "nav.alarms" },
  downlink: { icon: IconSend, title: "downlinks.title" },
  edit: { icon: IconPencil, title: "timeline.edit" },
};
const all = Object.keys(kinds) as Kind[];

export function DeviceTimeline({ deviceRef }: { deviceRef: string }) {
  const t = useT();
  const [filters, setFilters] = useFilters("/devices/$ref");
  const chosen = all.filter((kind) => (filters.kinds ?? "").split(",").includes(kind));
  const found = useTimeline(deviceRef, chosen.join(","));
  const events = found.data?.pages.flatMap((page) => page.events) ?? [];
  const toggle = (kind: Kind) => {
    const next = all.filter((each) => (each === kind) !== chosen.includes(each));
    setFilters({ kinds: next.join(",") || undefined });
  };
  return (
    <Stack>
      <Group gap="xs" role="group" aria-label={t("timeline.show")}>
        {all.map((kind) => (
          <Button
            key={kind}
            size="compact-sm"
            radius="xl"
            variant={chosen.includes(kind) ? "filled" : "default"}
            aria-pressed={chosen.includes(kind)}
            onClick={() => toggle(kind)}
          >
            {t(kinds[kind].title)}
          </Button>
        ))}
      </Group>
      {found.error && !found.data ? (
        <Problem error={found.error} retry={() => void found.refetch()} />
      ) : !found.data ? (
        <Loading />
      ) : !events.length ? (
        <Empty icon={IconHistory} title={t("timeline.none")} text={t("timeline.noneText")} />
      ) : (
        <Timeline bulletSize={28} lineWidth={2} data-testid="timeline">
          {events.map((event) => (
            <Line key={event.id} event={event} />
          ))}
        </Timeline>
      )}
      {found.hasNextPage && (
        <Box>
          <Button variant="default" loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
            {t("timeline.older")}
          </Button>
        </Box>
      )}
    </Stack>
  );
}

function Line({ event }: { event: Happened }) {
  const t = useT();
  const { icon: IconOf } = kinds[event.kind];
  const bad =
    event.kind === "join" || event.kind === "downlink"
      ? !["accepted", "delivered"].includes(event.what)
      : event.kind === "alarm" && event.what === "raised";
  return (
    <Timeline.Item
      bullet={
        <ThemeIcon
          size={28}
          radius="xl"
          variant="light"
          color={bad ? "red" : "veld"}
          role="img"
          aria-label={t(kinds[event.kind].title)}
        >
          <IconOf size={15} />
        </ThemeIcon>
      }
    >
      <Group gap="xs">
        <Text size="sm" fw={600}>
          {titleOf(event, t)}
        </Text>
        {event.alarmState && event.what === "raised" && <SeverityBadge state={event.alarmState} />}
      </Group>
      <Text size="xs" c="dimmed">
        <Time at={event.time} />
        {event.actor && ` · ${event.actor}`}
      </Text>
      <Changes event={event} />
    </Timeline.Item>
  );
}

function titleOf(event: Happened, t: Translate): string {
  const alarm = event.alarmTypeId ? t(`alarmType.${event.alarmTypeId}` as Key) : "";
  switch (event.kind) {
    case "join":
      return known(t, `timeline.join.${event.what}`, t("timeline.joinRefused", { why: outcomeText(event.what, t) }));
    case "downlink":
      return known(t, `timeline.downlink.${event.what}`, t("timeline.downlinkRefused"), { port: event.fPort ?? "–" });
    case "alarm":
      return t(`timeline.alarm.${event.what}` as Key, { alarm, count: event.occurrence ?? 1 });
    case "edit":
      return known(t, `timeline.action.${event.what}`, event.what);
  }
}

function known(t: Translate, key: string, other: string, values?: Record<string, string | number>): string {
  const found = t(key as Key, values);
  return found === key ? other : found;
}

/** The members that an edit changed, as they were and as they are. */
function Changes({ event }: { event: Happened }) {
  const t = useT();
  const changes = Object.entries(event.changes ?? {}).filter(([, change]) => isChange(change)) as unknown as [
    string,
    Change,
  ][];
  if (event.kind !== "edit") return null;
  if (!changes.length)
    return event.what === "device.changed" ? (
      <Text size="xs" c="dimmed">
        {t("timeline.unchanged")}
      </Text>
    ) : null;
  return (
    <Stack gap={2} mt={4}>
      {changes.map(([name, change]) => (
        <Text key={name} size="xs" style={{ overflowWrap: "anywhere" }}>
          <Mono>{name}</Mono>: <del>{shown(change.from)}</del> → <ins>{shown(change.to)}</ins>
        </Text>
      ))}
    </Stack>
  );
}

interface Change {
  from: unknown;
  to: unknown;
}

function isChange(value: unknown): value is Change {
  return typeof value === "object" && value !== null && "from" in value && "to" in value;
}

function shown(value: unknown): string {
  if (value === null || value === undefined || value === "") return "–";
  if (Array.isArray(value) && value.every((each) => typeof each === "string")) return value.join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}
