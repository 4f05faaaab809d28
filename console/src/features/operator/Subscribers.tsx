import { useNavigate } from "@tanstack/react-router";
import { Button, Group, Stack, TextInput } from "@mantine/core";
import { IconBuilding } from "@tabler/icons-react";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { Empty, IfMayChange, Mono } from "../../components/basics";
import { TablePage } from "../../components/TablePage";
import { openDialog } from "../../components/dialogs";
import { useSession } from "../../session";
import { type Translate } from "../../text";
import { useT } from "../../text";
import { NewButton } from "../../components/actions";
import { useChangeSubscriber, useCreateSubscriber, useSubscribers } from "./api";
import { type Column } from "../../components/DataTable";
import { nameColumn, OfferMenu } from "./OfferMenu";
import { countColumn, faultColumn } from "../../components/columns";
import { NameField } from "../../components/NameField";
import { useSaving } from "../../components/saving";

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
          <NewButton onClick={create}>{t("subscribers.new")}</NewButton>
        </IfMayChange>
      }
      query={found}
      id={(row) => row.customerId}
      onOpen={(row) => open(row.customerId)}
      empty={
        <Empty icon={IconBuilding} title={t("subscribers.none")} text={t("subscribers.noneText")}>
          <IfMayChange>
            <Button aria-haspopup="dialog" onClick={create}>
              {t("subscribers.new")}
            </Button>
          </IfMayChange>
        </Empty>
      }
      columns={columnsOf(t, open)}
    />
  );
}

function columnsOf(t: Translate, open: (customerId: string) => void): Column<Schemas["Subscriber"]>[] {
  return [
    nameColumn(t),
    {
      key: "id",
      title: t("subscribers.id"),
      value: (row) => row.customerId,
      render: (row) => <Mono>{row.customerId}</Mono>,
    },
    countColumn({ key: "devices", title: t("home.devices"), count: (row) => row.devices }),
    faultColumn({ key: "disconnected", title: t("health.RF_CNX_ERROR"), count: (row) => row.disconnected }),
    countColumn({ key: "users", title: t("nav.users"), count: (row) => row.users }),
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
  ];
}

/** `onCreated` is told its customer id. */
export function NewSubscriber({ onCreated }: { onCreated?: (customerId: string) => void }) {
  const t = useT();
  const creation = useCreateSubscriber();
  const [customerId, setId] = useState("");
  const [name, setName] = useState("");
  const wrong = customerId !== "" && !/^\d{9}$/.test(customerId);
  const save = useSaving(Boolean(customerId || name));
  const submit = async () => {
    if (await save(creation.mutateAsync({ customerId, name }), t("subscribers.created"))) onCreated?.(customerId);
  };
  return (
    <Stack>
      <NameField value={name} onChange={setName} data-autofocus />
      <TextInput
        label={t("subscribers.id")}
        description={t("subscribers.idText")}
        value={customerId}
        onChange={(event) => setId(event.currentTarget.value)}
        required
        error={wrong && t("subscribers.idText")}
      />
      <Button onClick={() => void submit()} disabled={!name.trim() || !/^\d{9}$/.test(customerId)}>
        {t("common.create")}
      </Button>
    </Stack>
  );
}

function Rename({ customerId, name: before }: { customerId: string; name: string }) {
  const t = useT();
  const change = useChangeSubscriber(customerId);
  const [name, setName] = useState(before);
  const save = useSaving(name !== before);
  const submit = () => save(change.mutateAsync({ name }), t("subscribers.changed"));
  return (
    <Stack>
      <NameField value={name} onChange={setName} data-autofocus />
      <Button onClick={() => void submit()} disabled={!name.trim()}>
        {t("common.save")}
      </Button>
    </Stack>
  );
}
