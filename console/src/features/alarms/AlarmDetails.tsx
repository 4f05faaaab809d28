// One alarm: what is behind it, who looks after it, until when it is muted, and what people have written.
import { Button, Group, Select, Stack, Text, Textarea, TextInput, Title } from "@mantine/core";
import { IconBellOff, IconMessage } from "@tabler/icons-react";
import { useState, type FormEvent, type ReactNode } from "react";
import type { Schemas } from "../../api/client";
import { IfMayChange, Loading, Problem, SeverityBadge, Time, blocking } from "../../components/basics";
import { SideDialog } from "../../components/dialogs";
import { useUnsaved } from "../../components/edits";
import { TextLink } from "../../components/links";
import { useTell } from "../../components/notify";
import { useSession } from "../../session";
import { useT } from "../../text";
import { SubjectLink } from "./SubjectLink";
import { useAlarm, useAssign, useAssignees, useComment, useMute } from "./api";

type Details = Schemas["AlarmDetails"];
type Alarm = Details["alarm"];

export function AlarmDrawer({ alarmRef, onClose }: { alarmRef: string | null; onClose: () => void }) {
  const t = useT();
  return (
    <SideDialog opened={alarmRef !== null} onClose={onClose} size="md" title={t("alarms.details")}>
      {alarmRef && <Body alarmRef={alarmRef} />}
    </SideDialog>
  );
}

function Body({ alarmRef }: { alarmRef: string }) {
  const t = useT();
  const { mayChange } = useSession();
  const found = useAlarm(alarmRef);
  if (blocking(found)) return <Problem error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading />;
  const { alarm, comments, causes } = found.data;
  return (
    <Stack gap="lg" data-testid="alarm">
      <Stack gap={4}>
        <Group gap="xs">
          <SeverityBadge state={alarm.state} />
          <SubjectLink alarm={alarm} />
        </Group>
        <Text fw={600}>{alarm.text}</Text>
        <Text size="sm">{alarm.advice}</Text>
        <Text size="sm" c="dimmed">
          {t("alarms.updated")}: <Time at={alarm.lastUpdateTime} />
        </Text>
      </Stack>
      {alarm.deviceRef && (
        <Part title={t("alarms.causes")}>
          <Causes deviceRef={alarm.deviceRef} causes={causes} />
        </Part>
      )}
      <Part title={t("alarms.assignee")}>
        <Assignee alarm={alarm} />
      </Part>
      <Part title={t("alarms.mute")}>
        <Mute alarm={alarm} />
      </Part>
      <Part title={t("alarms.comments")}>
        {mayChange && <Comment alarm={alarm} />}
        {comments.map((comment) => (
          <div key={comment.ref}>
            <Text size="xs" c="dimmed">
              {comment.author} · <Time at={comment.time} />
            </Text>
            <Text size="sm" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
              {comment.text}
            </Text>
          </div>
        ))}
        {!comments.length && (
          <Text size="sm" c="dimmed">
            {t("alarms.noComments")}
          </Text>
        )}
      </Part>
    </Stack>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Stack gap="xs">
      <Title order={3} size="h6">
        {title}
      </Title>
      {children}
    </Stack>
  );
}

/** What is behind the alarm of a device; frames of multicast groups are in the logger. */
function Causes({ deviceRef, causes }: { deviceRef: string; causes: Details["causes"] }) {
  const t = useT();
  const device = { to: "/devices/$ref", params: { ref: deviceRef } } as const;
  return (
    <>
      <TextLink size="sm" {...device}>
        {t("alarms.diagnosis")}
      </TextLink>
      {causes.map((cause) =>
        cause.kind === "applicationServer" ? (
          <div key={`server-${cause.ref}`}>
            <TextLink size="sm" to="/routing/$ref" params={{ ref: cause.ref }}>
              {t("alarms.causeServer", { name: cause.name, count: cause.messages ?? 0 })}
            </TextLink>
            {cause.text && (
              <Text size="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>
                {cause.text}
              </Text>
            )}
          </div>
        ) : cause.kind === "frame" ? (
          <TextLink key="frame" size="sm" {...device} search={{ tab: "frames" }}>
            {t("alarms.causeFrame")}
          </TextLink>
        ) : (
          <TextLink key="station" size="sm" to="/logger" search={{ baseStationId: cause.ref }}>
            {t("alarms.causeStation", { name: cause.name === cause.ref ? cause.ref : `${cause.name} (${cause.ref})` })}
          </TextLink>
        ),
      )}
    </>
  );
}

function Assignee({ alarm }: { alarm: Alarm }) {
  const t = useT();
  const { run } = useTell();
  const { mayChange } = useSession();
  const people = useAssignees().data ?? [];
  const assigning = useAssign(alarm.ref);
  if (!mayChange) return <Text size="sm">{alarm.assigneeName ?? t("alarms.nobody")}</Text>;
  return (
    <Select
      aria-label={t("alarms.assignee")}
      placeholder={t("alarms.nobody")}
      clearable
      searchable
      value={alarm.assigneeRef}
      onChange={(user) => void run(assigning.mutateAsync(user), t("alarms.assigned"))}
      data={people.map((one) => ({ value: one.ref, label: `${one.displayName} (${one.username})` }))}
    />
  );
}

const HOUR = 3_600_000;
const spans = { hour: HOUR, day: 24 * HOUR, week: 7 * 24 * HOUR } as const;

function Mute({ alarm }: { alarm: Alarm }) {
  const t = useT();
  const { run } = useTell();
  const muting = useMute(alarm.ref);
  const [own, setOwn] = useState("");
  useUnsaved(own !== "" && !alarm.mutedUntil);
  const mute = (until: string | null) =>
    void run(muting.mutateAsync(until), t(until ? "alarms.mutedDone" : "alarms.unmutedDone"));
  return (
    <>
      <Text size="sm" c="dimmed">
        {alarm.mutedUntil ? (
          <>
            <IconBellOff size={14} aria-hidden /> {t("alarms.mutedBy", { name: alarm.mutedBy ?? "" })}{" "}
            <Time at={alarm.mutedUntil} />
          </>
        ) : (
          t("alarms.muteText")
        )}
      </Text>
      <IfMayChange>
        {alarm.mutedUntil ? (
          <Group>
            <Button size="xs" variant="default" onClick={() => mute(null)}>
              {t("alarms.unmute")}
            </Button>
          </Group>
        ) : (
          <>
            <Group gap="xs">
              {(["hour", "day", "week"] as const).map((span) => (
                <Button
                  key={span}
                  size="xs"
                  variant="default"
                  onClick={() => mute(new Date(Date.now() + spans[span]).toISOString())}
                >
                  {t(`alarms.mute.${span}`)}
                </Button>
              ))}
            </Group>
            <Group gap="xs" align="flex-end">
              <TextInput
                type="datetime-local"
                size="xs"
                label={t("alarms.muteUntil")}
                value={own}
                onChange={(event) => setOwn(event.currentTarget.value)}
              />
              <Button size="xs" variant="default" disabled={!own} onClick={() => mute(new Date(own).toISOString())}>
                {t("alarms.mute")}
              </Button>
            </Group>
          </>
        )}
      </IfMayChange>
    </>
  );
}

function Comment({ alarm }: { alarm: Alarm }) {
  const t = useT();
  const { run } = useTell();
  const [text, setText] = useState("");
  useUnsaved(text !== "");
  const commenting = useComment(alarm.ref);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (await run(commenting.mutateAsync(text), t("alarms.commented"))) setText("");
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack gap="xs">
        <Textarea
          aria-label={t("alarms.comment")}
          placeholder={t("alarms.commentHint")}
          autosize
          minRows={2}
          maxLength={2000}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Group>
          <Button
            type="submit"
            size="xs"
            leftSection={<IconMessage size={14} />}
            disabled={!text.trim()}
            loading={commenting.isPending}
          >
            {t("alarms.comment")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
