// What an operator does with a plan, a device profile, an HSM group or a subscriber, and what hangs on it.
import { ActionIcon, Alert, Button, Group, List, Menu, Select, Stack, Text } from "@mantine/core";
import { closeDialogs, openDialog } from "../../components/dialogs";
import { Suspended } from "../../components/Suspended";
import { useUnsaved } from "../../components/edits";
import { IconCopy, IconDots, IconEdit, IconPlayerPause, IconPlayerPlay, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { IfMayChange, Loading, Problem, blocking } from "../../components/basics";
import { useTell } from "../../components/notify";
import type { Schemas } from "../../api/client";
import type { Column } from "../../components/DataTable";
import { useT, type Key, type Translate } from "../../text";
import { useRemove, useSuspend, useUses, type Kind } from "./offering";

export interface Offered {
  /** Its part of the API's address. */
  ref: string;
  id: string;
  name: string;
  suspended: boolean;
}

interface Props {
  kind: Kind;
  offer: Offered;
  onEdit?: () => void;
  onCopy?: () => void;
}

/** Names of what can be suspended. */
export function nameColumn<T extends { name: string; suspended?: boolean }>(t: Translate): Column<T> {
  return {
    key: "name",
    title: t("common.name"),
    value: (row) => row.name,
    render: (row) => (
      <Group gap={8}>
        {row.name} <Suspended of={row} />
      </Group>
    ),
  };
}

export function OfferMenu({ kind, offer, onEdit, onCopy }: Props) {
  const t = useT();
  const label = t("offers.actions", { name: offer.name });
  return (
    <IfMayChange>
      <Menu withArrow position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={label} title={label}>
            <IconDots size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {onEdit && (
            <Menu.Item leftSection={<IconEdit size={16} />} aria-haspopup="dialog" onClick={onEdit}>
              {t("common.edit")}
            </Menu.Item>
          )}
          {onCopy && (
            <Menu.Item leftSection={<IconCopy size={16} />} aria-haspopup="dialog" onClick={onCopy}>
              {t("offers.copy")}
            </Menu.Item>
          )}
          <Menu.Item
            leftSection={offer.suspended ? <IconPlayerPlay size={16} /> : <IconPlayerPause size={16} />}
            aria-haspopup="dialog"
            onClick={() =>
              openDialog(
                t(offer.suspended ? "offers.resumeTitle" : "offers.suspendTitle", { name: offer.name }),
                <Suspension kind={kind} offer={offer} />,
              )
            }
          >
            {t(offer.suspended ? "offers.resume" : "offers.suspend")}
          </Menu.Item>
          <Menu.Item
            color="red"
            leftSection={<IconTrash size={16} />}
            aria-haspopup="dialog"
            onClick={() =>
              openDialog(t("offers.deleteTitle", { name: offer.name }), <Removal kind={kind} offer={offer} />)
            }
          >
            {t("common.delete")}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </IfMayChange>
  );
}

/** What hangs on it. */
export function Uses({ uses }: { uses: object & { subscribers?: unknown } }) {
  const t = useT();
  const counts = Object.entries(uses).filter(
    (entry): entry is [string, number] => Boolean(entry[1]) && typeof entry[1] === "number",
  );
  const by = (uses.subscribers ?? []) as { customerId: string; name: string; devices: number }[];
  if (!counts.length) return <Text size="sm">{t("offers.unused")}</Text>;
  return (
    <div>
      <Text size="sm">{t("offers.uses")}</Text>
      <List size="sm">
        {counts.map(([name, count]) => (
          <List.Item key={name}>{t(`uses.${name}` as Key, { count })}</List.Item>
        ))}
      </List>
      {by.length > 0 && (
        <Text size="sm" c="dimmed">
          {by
            .slice(0, 10)
            .map((one) => `${one.name} (${one.customerId}): ${one.devices}`)
            .join(" · ")}
        </Text>
      )}
    </div>
  );
}

function Suspension({ kind, offer }: { kind: Kind; offer: Offered }) {
  const t = useT();
  const { run } = useTell();
  const uses = useUses(kind, offer.ref);
  const suspension = useSuspend(kind, offer.ref);
  const turn = async () => {
    const told = t(offer.suspended ? "offers.resumed" : "offers.suspendedDone", { name: offer.name });
    const answer = await run<unknown>(suspension.mutateAsync(!offer.suspended), told);
    if (answer) closeDialogs();
  };
  if (blocking(uses)) return <Problem error={uses.error} />;
  if (!uses.data) return <Loading rows={2} />;
  return (
    <Stack>
      <Uses uses={uses.data} />
      {!offer.suspended && <Alert color="orange">{t(`offers.suspendText.${kind}`)}</Alert>}
      <Group justify="flex-end">
        <Button variant="default" onClick={() => closeDialogs()} data-autofocus>
          {t("common.cancel")}
        </Button>
        <Button
          color={offer.suspended ? undefined : "red.9"}
          loading={suspension.isPending}
          onClick={() => void turn()}
        >
          {t(offer.suspended ? "offers.resume" : "offers.suspend")}
        </Button>
      </Group>
    </Stack>
  );
}

interface RemovalProps {
  kind: Kind;
  offer: Offered;
}

function Removal({ kind, offer }: RemovalProps) {
  const t = useT();
  const { run } = useTell();
  const uses = useUses(kind, offer.ref);
  const removal = useRemove(kind, offer.ref);
  const [moveTo, setMoveTo] = useState<string | null>(null);
  useUnsaved(moveTo !== null);
  const remove = async () => {
    const answer = await run<unknown>(
      removal.mutateAsync(moveTo ?? undefined),
      t("offers.removed", { name: offer.name }),
    );
    if (answer) closeDialogs();
  };
  if (blocking(uses)) return <Problem error={uses.error} />;
  if (!uses.data) return <Loading rows={2} />;
  const count = uses.data.devices;
  const groups = Number(uses.data.groups ?? 0);
  // Those of a subscriber go with it.
  const flows = kind === "deviceProfiles" ? Number(uses.data.flows ?? 0) : 0;
  const moving = count > 0 || flows > 0;
  const refused = (moving && !moveTo) || groups > 0;
  const moves = kind === "plans" || kind === "deviceProfiles";
  // Only where they fit, as the server judges it.
  const targets = (uses.data.targets ?? []) as Schemas["MoveTarget"][];
  return (
    <Stack>
      <Uses uses={uses.data} />
      {moving && moves && targets.length === 0 && <Alert color="orange">{t(`offers.noTarget.${kind}`)}</Alert>}
      {moving && moves && targets.length > 0 && (
        <Select
          label={count > 0 ? t("offers.moveTo", { count }) : t("offers.moveFlows", { count: flows })}
          description={t(`offers.moveText.${kind}`)}
          data={targets.map((one) => ({ value: one.id, label: `${one.name} (${one.id})` }))}
          value={moveTo}
          onChange={setMoveTo}
          searchable
          clearable
        />
      )}
      {(kind === "subscribers" ? refused : moving && !moveTo && (!moves || targets.length > 0)) && (
        <Alert color="orange">{t(count > 0 || flows === 0 ? `offers.refused.${kind}` : "offers.refusedFlows")}</Alert>
      )}
      {groups > 0 && kind !== "subscribers" && <Alert color="orange">{t("offers.refusedGroups")}</Alert>}
      <Group justify="flex-end">
        <Button variant="default" onClick={() => closeDialogs()} data-autofocus>
          {t("common.cancel")}
        </Button>
        <Button color="red.9" loading={removal.isPending} disabled={refused} onClick={() => void remove()}>
          {t("common.delete")}
        </Button>
      </Group>
    </Stack>
  );
}
