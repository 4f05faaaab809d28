import { Badge, Button, Select, Stack, Text } from "@mantine/core";
import { IconShieldLock } from "@tabler/icons-react";
import { useState } from "react";
import { type Schemas } from "../../api/client";
import { $api } from "../../api/queries";
import { Empty, IfMayChange, Mono } from "../../components/basics";
import { TablePage } from "../../components/TablePage";
import { openDialog } from "../../components/dialogs";
import { number } from "../../format";
import { useT } from "../../text";
import { useChangeHsmGroup, useCreateHsmGroup, useDefaults } from "./api";
import { nameColumn, OfferMenu } from "./OfferMenu";
import { NewButton } from "../../components/actions";
import { NameField } from "../../components/NameField";
import { useSaving } from "../../components/saving";

type HsmGroup = Schemas["Group"];

export function HsmGroups() {
  const t = useT();
  const found = $api.useQuery("get", "/api/v1/operator/hsmGroups", undefined, { refetchInterval: 10_000 });
  return (
    <TablePage
      title={t("nav.hsm")}
      below={t("hsm.below")}
      actions={
        <IfMayChange>
          <NewButton onClick={() => openDialog(t("hsm.new"), <GroupForm />)}>{t("hsm.new")}</NewButton>
        </IfMayChange>
      }
      query={found}
      id={(row) => row.id}
      empty={<Empty icon={IconShieldLock} title={t("hsm.none")} text={t("hsm.noneText")} />}
      columns={[
        nameColumn(t),
        { key: "id", title: "ID", render: (row) => <Mono>{row.id}</Mono> },
        { key: "vault", title: t("hsm.vault"), render: (row) => row.vault || t("hsm.default") },
        { key: "devices", title: t("home.devices"), align: "right", render: (row) => number(row.devices) },
        { key: "state", title: t("alarms.state"), render: (row) => <State group={row} /> },
        {
          key: "actions",
          title: "",
          align: "right",
          render: (row) => (
            <OfferMenu
              kind="hsmGroups"
              offer={{ ref: row.id, id: row.id, name: row.name, suspended: row.suspended ?? false }}
              onEdit={() => openDialog(row.name, <GroupForm group={row} />)}
            />
          ),
        },
      ]}
    />
  );
}

function State({ group }: { group: HsmGroup }) {
  const t = useT();
  return group.problem ? (
    <Text size="sm" className="poor">
      {group.problem}
    </Text>
  ) : (
    <Badge variant="dot" color="veld" tt="none">
      {t("hsm.ok")}
    </Badge>
  );
}

function GroupForm({ group }: { group?: HsmGroup }) {
  const t = useT();
  const defaults = useDefaults();
  const [name, setName] = useState(group?.name ?? "");
  const creation = useCreateHsmGroup();
  const change = useChangeHsmGroup(group?.id ?? "");
  const [vault, setVault] = useState("");
  const save = useSaving(name !== (group?.name ?? "") || vault !== "");
  const submit = () =>
    save<unknown>(
      group ? change.mutateAsync({ name }) : creation.mutateAsync({ name, vault }),
      t(group ? "hsm.saved" : "hsm.created"),
    );
  return (
    <Stack>
      <NameField value={name} onChange={setName} data-autofocus />
      {!group && (
        <Select
          label={t("hsm.vault")}
          allowDeselect={false}
          value={vault}
          onChange={(value) => setVault(value ?? "")}
          data={(defaults.data?.vaults ?? [""]).map((value) => ({ value, label: value || t("hsm.default") }))}
        />
      )}
      <Button onClick={() => void submit()} disabled={!name.trim()}>
        {t(group ? "common.save" : "common.create")}
      </Button>
    </Stack>
  );
}
