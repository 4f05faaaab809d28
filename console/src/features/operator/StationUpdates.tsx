// A base station at CUPS: what it has reported, and what it is to have.
import { Badge, Group, Stack, Text } from "@mantine/core";
import { IconCloudDownload } from "@tabler/icons-react";
import type { Schemas } from "../../api/client";
import { RowButton, RowRemoval } from "../../components/actions";
import { Facts, IfMayChange, Mono, Panel, Time } from "../../components/basics";
import { useConfirm, useTell } from "../../components/notify";
import { openDialog } from "../../components/dialogs";
import { useT } from "../../text";
import { useStationUpdates, useWithdrawUpdate } from "./api";
import { UpdateForm } from "./UpdateForm";

const colours = { ordered: "gray", fetched: "yellow", confirmed: "green", failed: "red", overdue: "orange" } as const;

export function UpdateState({ state }: { state: Schemas["StationUpdate"]["state"] }) {
  const t = useT();
  return (
    <Badge variant="light" color={colours[state]}>
      {t(`updates.${state}`)}
    </Badge>
  );
}

export function StationUpdatesPanel({ station }: { station: Schemas["StationView"] }) {
  const t = useT();
  const found = useStationUpdates(station.id);
  const contact = found.data?.contact;
  const updates = found.data?.updates ?? [];
  return (
    <Panel
      title={t("updates.title")}
      right={
        <IfMayChange>
          <RowButton
            leftSection={<IconCloudDownload size={14} />}
            onClick={() => openDialog(t("updates.order"), <UpdateForm stations={[station.id]} />)}
          >
            {t("updates.order")}
          </RowButton>
        </IfMayChange>
      }
    >
      <Stack gap="sm">
        {contact ? (
          <Facts
            items={[
              [t("updates.contact"), <Time key="c" at={contact.at} />],
              [t("updates.station"), contact.station ?? "–"],
              [t("updates.model"), contact.model ?? "–"],
              [t("updates.package"), contact.package ?? "–"],
              ["CUPS", <Mono key="u">{contact.cupsUri ?? "–"}</Mono>],
              ["LNS", <Mono key="l">{contact.lnsUri ?? "–"}</Mono>],
              [t("updates.proof"), t(`updates.proof.${contact.proof}`)],
            ]}
          />
        ) : (
          <Text size="sm" c="dimmed">
            {t("updates.noContact")}
          </Text>
        )}
        {updates.map((update) => (
          <OneUpdate key={update.ref} station={station.id} update={update} />
        ))}
      </Stack>
    </Panel>
  );
}

function OneUpdate({ station, update }: { station: string; update: Schemas["StationUpdate"] }) {
  const t = useT();
  const confirm = useConfirm();
  const { run } = useTell();
  const withdrawing = useWithdrawUpdate(station);
  const withdraw = () =>
    confirm(
      t("updates.withdrawTitle"),
      t("updates.withdrawText"),
      t("updates.withdraw"),
      () => void run(withdrawing.mutateAsync(update.ref), t("updates.withdrawn")),
    );
  const kept = update.kind === "credentials" && update.fetchedAt !== null;
  return (
    <Group justify="space-between" gap={8} wrap="nowrap" align="flex-start">
      <div>
        <Group gap={8}>
          <Text size="sm">{t(`updates.kind.${update.kind}`)}</Text>
          <UpdateState state={update.state} />
        </Group>
        <Text size="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>
          {update.kind === "credentials" ? t(`updates.proof.${update.value as "token" | "certificate"}`) : update.value}{" "}
          · {update.createdBy} ·{" "}
          <Time at={update.confirmedAt ?? update.failedAt ?? update.fetchedAt ?? update.createdAt} short />
          {update.attempts > 1 && ` · ${t("updates.attempts", { count: update.attempts })}`}
        </Text>
        {update.obstacle && (
          <Text size="xs" c="orange">
            {t(`updates.obstacle.${update.obstacle}`)}
          </Text>
        )}
      </div>
      {!kept && (
        <IfMayChange>
          <RowRemoval
            style={{ flexShrink: 0 }}
            aria-label={t("updates.withdrawOf", { what: t(`updates.kind.${update.kind}`) })}
            onClick={withdraw}
          >
            {t("updates.withdraw")}
          </RowRemoval>
        </IfMayChange>
      )}
    </Group>
  );
}
