// One downlink on its way, from the queue to its end.
import { Button, Group, Stack, Text, ThemeIcon, VisuallyHidden } from "@mantine/core";
import { IconAlertTriangle, IconCheck, IconCircle, IconClock, IconX } from "@tabler/icons-react";
import { Copy, DeviceLink, IfMayChange, Loading, Mono, Panel, Problem, Time, blocking } from "../../components/basics";
import { TextLink } from "../../components/links";
import { useTell } from "../../components/notify";
import { hex, localTime } from "../../format";
import { useT } from "../../text";
import { useCancelDownlink, useDownlink } from "./api";
import { useReason } from "./DownlinkTable";
import { merged, stepsOf, type Downlink, type Step } from "./model";

const looks = {
  done: { color: "veld", icon: IconCheck },
  now: { color: "blue", icon: IconClock },
  ahead: { color: "gray", icon: IconCircle },
  failed: { color: "red", icon: IconAlertTriangle },
} as const;

interface FollowProps {
  id: string;
  changes: readonly Downlink[];
  onClose: () => void;
  deviceClass?: string | null;
}

export function Follow({ id, changes, onClose, deviceClass }: FollowProps) {
  const t = useT();
  const found = useDownlink(id);
  const [one] = merged(found.data ? [found.data] : [], changes, (each) => each.id === id);
  const close = (
    <Button size="compact-sm" variant="subtle" color="gray" leftSection={<IconX size={14} />} onClick={onClose}>
      {t("common.close")}
    </Button>
  );
  if (!one)
    return (
      <Panel title={t("downlinks.follow")} right={close}>
        {blocking(found) ? <Problem error={found.error} /> : <Loading rows={3} />}
      </Panel>
    );
  return (
    <Panel title={t("downlinks.follow")} right={close}>
      <Stack gap="sm" data-testid="follow" role="status" aria-live="polite">
        <Group gap="xs">
          <DeviceLink deviceRef={one.deviceRef} name={one.deviceName} />
          <Text size="sm" c="dimmed">
            FPort {one.fPort}
            {one.fCntDn === null ? "" : ` · FCntDn ${one.fCntDn}`} · {t("downlinks.size", { size: one.size })}
          </Text>
        </Group>
        {one.payload && <Payload octets={one.payload} />}
        <Stack component="ol" gap="sm" m={0} p={0} style={{ listStyle: "none" }}>
          {stepsOf(one).map((step) => (
            <StepOf key={step.name} step={step} one={one} deviceClass={deviceClass} />
          ))}
        </Stack>
        {one.status === "queued" && <Cancellation of={one} />}
      </Stack>
    </Panel>
  );
}

function Payload({ octets }: { octets: string }) {
  const t = useT();
  return (
    <Group gap={4} wrap="nowrap" align="flex-start">
      <Text size="sm" style={{ overflowWrap: "anywhere" }}>
        <Mono>{hex(octets)}</Mono>
      </Text>
      <Copy value={octets} label={t("common.copyOf", { what: t("downlinks.payload") })} />
    </Group>
  );
}

function Cancellation({ of }: { of: Downlink }) {
  const t = useT();
  const { run } = useTell();
  const cancelling = useCancelDownlink();
  return (
    <IfMayChange>
      <Group>
        <Button
          size="xs"
          variant="default"
          loading={cancelling.isPending}
          onClick={() => void run(cancelling.mutateAsync(of), t("downlinks.cancelled"))}
        >
          {t("downlinks.cancel")}
        </Button>
      </Group>
    </IfMayChange>
  );
}

function StepOf({ step, one, deviceClass }: { step: Step; one: Downlink; deviceClass?: string | null }) {
  const t = useT();
  const look = looks[step.state];
  const Icon = look.icon;
  const title =
    step.name === "end"
      ? t(`downlinks.status.${one.status}`)
      : step.name === "answer" && step.state === "failed"
        ? t("downlinks.status.unacknowledged")
        : t(`downlinks.step.${step.name}`);
  return (
    <Group component="li" wrap="nowrap" align="flex-start" gap="sm">
      <ThemeIcon variant={step.state === "ahead" ? "default" : "light"} color={look.color} radius="xl" size="md">
        <Icon size={16} aria-hidden />
      </ThemeIcon>
      <div>
        <Text size="sm" fw={step.state === "now" ? 700 : 500} c={step.state === "ahead" ? "dimmed" : undefined}>
          {title}
          <VisuallyHidden> ({t(`downlinks.stepState.${step.state}`)})</VisuallyHidden>
        </Text>
        <Text size="xs" c="dimmed" component="div">
          {step.at && <Time at={step.at} />}
          <Details step={step} one={one} deviceClass={deviceClass} />
        </Text>
      </div>
    </Group>
  );
}

/** What there is to say of a step: where it went, why it ended, and what it waits for. */
function Details({ step, one, deviceClass }: { step: Step; one: Downlink; deviceClass?: string | null }) {
  const t = useT();
  const reason = useReason();
  if (step.name === "queued") {
    const waits = step.state === "now" && (one.afterJoin ? t("downlinks.afterJoin") : waitsFor(deviceClass, t));
    const until = step.state === "now" && one.expires && t("downlinks.expires", { time: localTime(one.expires) });
    return <Lines of={[waits, until]} />;
  }
  if (step.name === "sending" && step.state === "now") return <Lines of={[one.baseStationId]} />;
  if (step.name === "sent" && step.at)
    return (
      <>
        <Lines
          of={[`${one.slot ?? ""} · ${one.baseStationId ?? ""}`, step.state === "now" && t("downlinks.awaited")]}
        />
        <FrameLink one={one} />
      </>
    );
  if (step.name === "end")
    return (
      <>
        <Lines of={[reason(one)]} />
        <FrameLink one={one} />
      </>
    );
  if (step.name === "answer") return <Lines of={[step.state === "failed" && t("downlinks.unacknowledgedText")]} />;
  return null;
}

function Lines({ of }: { of: (string | false | null | undefined)[] }) {
  return (
    <>
      {of.filter(Boolean).map((line) => (
        <div key={String(line)}>{line}</div>
      ))}
    </>
  );
}

function FrameLink({ one }: { one: Downlink }) {
  const t = useT();
  if (!one.frameId) return null;
  return (
    <TextLink size="xs" to="/devices/$ref" params={{ ref: one.deviceRef }} search={{ tab: "frames" }}>
      {t("downlinks.frame")}
    </TextLink>
  );
}

function waitsFor(deviceClass: string | null | undefined, t: ReturnType<typeof useT>): string | null {
  if (deviceClass === "C") return t("downlinks.waitsC");
  if (deviceClass === "B") return t("downlinks.waitsB");
  return deviceClass ? t("downlinks.waitsA") : null;
}
