import { useNavigate } from "@tanstack/react-router";
import { Button, Group, Stack, TextInput } from "@mantine/core";
import { IconBuilding, IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { Empty, IfMayChange, Mono } from "../../components/basics";
import { useTell } from "../../components/notify";
import { TablePage } from "../../components/TablePage";
import { closeDialogs, openDialog } from "../../components/dialogs";
import { useUnsaved } from "../../components/edits";
import { number } from "../../format";
import { useSession } from "../../session";
import { useT } from "../../text";
import { useChangeSubscriber, useCreateSubscriber, useSubscribers } from "./api";
import { OfferMenu, Suspended } from "./OfferMenu";

export function Subscribers() {
  const t = useT();
  const navigate = useNavigate();
  const { workFor } = useSession();
  const found = useSubscribers();
  const open = (customerId: string) => {
    workFor(customerId);
    void navigate({ to: "/" });
  };
  const create = () => openDialog(t("subscribers.new"), <NewSubscriber />);
  return (
    <TablePage
      title={t("nav.subscribers")}
      below={t("subscribers.below")}
      actions={
        <IfMayChange>
          <Button leftSection={<IconPlus size={16} />} aria-haspopup="dialog" onClick={create}>
            {t("subscribers.new")}
          </Button>
        </IfMayChange>
      }
      query={found}
      id={(row) => row.customerId}
      onOpen={(row) => open(row.customerId)}
      empty={<Empty icon={IconBuilding} title={t("subscribers.none")} text={t("subscribers.noneText")} />}
      columns={[
        {
          key: "name",
          title: t("common.name"),
          value: (row) => row.name,
          render: (row) => (
            <Group gap={8}>
              {row.name} <Suspended of={row} />
            </Group>
          ),
        },
        {
          key: "id",
          title: t("subscribers.id"),
          value: (row) => row.customerId,
          render: (row) => <Mono>{row.customerId}</Mono>,
        },
        {
          key: "devices",
          title: t("home.devices"),
          align: "right",
          value: (row) => row.devices,
          render: (row) => number(row.devices),
        },
        {
          key: "disconnected",
          title: t("health.RF_CNX_ERROR"),
          align: "right",
          value: (row) => row.disconnected,
          render: (row) => (row.disconnected ? <span className="poor">{number(row.disconnected)}</span> : "0"),
        },
        {
          key: "users",
          title: t("nav.users"),
          align: "right",
          value: (row) => row.users,
          render: (row) => number(row.users),
        },
        {
          key: "open",
          title: "",
          align: "right",
          render: (row) => (
            <Group gap={4} justify="flex-end" wrap="nowrap">
              <Button size="compact-sm" variant="default" onClick={() => open(row.customerId)}>
                {t("subscribers.open")}
              </Button>
              <OfferMenu
                kind="subscribers"
                offer={{
                  ref: row.customerId,
                  id: row.customerId,
                  name: row.name,
                  suspended: row.suspended ?? false,
                }}
                onEdit={() => openDialog(row.name, <Rename customerId={row.customerId} name={row.name} />)}
              />
            </Group>
          ),
        },
      ]}
    />
  );
}

/** `onCreated` is told its customer id. */
export function NewSubscriber({ onCreated }: { onCreated?: (customerId: string) => void }) {
  const t = useT();
  const { run } = useTell();
  const creation = useCreateSubscriber();
  const [customerId, setId] = useState("");
  const [name, setName] = useState("");
  const wrong = customerId !== "" && !/^\d{9}$/.test(customerId);
  const saved = useUnsaved(Boolean(customerId || name));
  const save = async () => {
    const answer = await run(creation.mutateAsync({ customerId, name }), t("subscribers.created"));
    if (!answer) return;
    saved();
    closeDialogs();
    onCreated?.(customerId);
  };
  return (
    <Stack>
      <TextInput
        label={t("common.name")}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        required
        data-autofocus
        maxLength={100}
      />
      <TextInput
        label={t("subscribers.id")}
        description={t("subscribers.idText")}
        value={customerId}
        onChange={(event) => setId(event.currentTarget.value)}
        required
        error={wrong && t("subscribers.idText")}
      />
      <Button onClick={() => void save()} disabled={!name.trim() || !/^\d{9}$/.test(customerId)}>
        {t("common.create")}
      </Button>
    </Stack>
  );
}

function Rename({ customerId, name: before }: { customerId: string; name: string }) {
  const t = useT();
  const { run } = useTell();
  const change = useChangeSubscriber(customerId);
  const [name, setName] = useState(before);
  const saved = useUnsaved(name !== before);
  const save = async () => {
    const answer = await run(change.mutateAsync({ name }), t("subscribers.changed"));
    if (!answer) return;
    saved();
    closeDialogs();
  };
  return (
    <Stack>
      <TextInput
        label={t("common.name")}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        required
        data-autofocus
        maxLength={100}
      />
      <Button onClick={() => void save()} disabled={!name.trim()}>
        {t("common.save")}
      </Button>
    </Stack>
  );
}
