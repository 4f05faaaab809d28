import { Anchor, Badge, Button, Code, Group, Stack, Text } from "@mantine/core";
import { IconRefresh, IconTerminal2, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { NewButton, RowButton, RowRemoval } from "../../components/actions";
import {
  Copy,
  Empty,
  IfMayChange,
  Loading,
  Mono,
  Once,
  PageTitle,
  Panel,
  Problem,
  Time,
  blocking,
} from "../../components/basics";
import { DataTable, type Column } from "../../components/DataTable";
import { useConfirm, useTell } from "../../components/notify";
import { useT, type Translate } from "../../text";
import { useCreateProject, useDeleteProject, useNewSecret, useProjects } from "./api";
import { closeDialogs, openDialog } from "../../components/dialogs";
import { useUnsaved } from "../../components/edits";
import { NameField } from "../../components/NameField";

type Project = Schemas["ProjectView"];

export function Developers() {
  const t = useT();
  const [made, setMade] = useState<Schemas["ProjectView"] | null>(null);
  const found = useProjects();
  const create = () => openDialog(t("projects.new"), <NewProject onMade={setMade} />);
  return (
    <>
      <PageTitle title={t("nav.developers")} below={t("projects.below")}>
        <IfMayChange>
          <NewButton onClick={create}>{t("projects.new")}</NewButton>
        </IfMayChange>
      </PageTitle>
      <Stack>
        {made?.clientSecret && <Once label={t("projects.secretOf", { name: made.name })} value={made.clientSecret} />}
        {blocking(found) ? (
          <Problem error={found.error} retry={() => void found.refetch()} />
        ) : !found.data ? (
          <Loading />
        ) : (
          <DataTable
            label={t("nav.developers")}
            rows={found.data}
            id={(row) => row.ref}
            empty={
              <Empty icon={IconTerminal2} title={t("projects.none")} text={t("projects.noneText")}>
                <IfMayChange>
                  <Button aria-haspopup="dialog" onClick={create}>
                    {t("projects.new")}
                  </Button>
                </IfMayChange>
              </Empty>
            }
            columns={columnsOf(t, setMade)}
          />
        )}
        <How />
      </Stack>
    </>
  );
}

function columnsOf(t: Translate, onSecret: (project: Project) => void): Column<Project>[] {
  return [
    {
      key: "name",
      title: t("common.name"),
      render: (row) => (
        <Text fw={500} inherit>
          {row.name}
        </Text>
      ),
    },
    {
      key: "id",
      title: "client_id",
      render: (row) => (
        <Group gap={4} wrap="nowrap">
          <Mono>{row.clientId}</Mono>
          <Copy value={row.clientId} label={t("common.copyOf", { what: "client_id" })} />
        </Group>
      ),
    },
    {
      key: "state",
      title: t("alarms.state"),
      render: (row) => <Activation project={row} />,
    },
    {
      key: "actions",
      title: "",
      align: "right",
      render: (row) => <Actions project={row} onSecret={onSecret} />,
    },
  ];
}

function Activation({ project }: { project: Project }) {
  const t = useT();
  return project.activated ? (
    <>
      <Badge variant="light" color="veld">
        {t("projects.activated")}
      </Badge>{" "}
      <Text span size="xs" c="dimmed">
        {project.activatedAs} · <Time at={project.activatedAt} short />
      </Text>
    </>
  ) : (
    <Badge variant="light" color="orange">
      {t("projects.notActivated")}
    </Badge>
  );
}

/** A new secret, which `onSecret` is given, and deletion. */
function Actions({ project, onSecret }: { project: Project; onSecret: (project: Project) => void }) {
  const t = useT();
  const confirm = useConfirm();
  const { run } = useTell();
  const newSecret = useNewSecret();
  const deletion = useDeleteProject();
  const roll = () =>
    confirm(
      t("projects.rollTitle", { name: project.name }),
      t("projects.rollText"),
      t("projects.roll"),
      () =>
        void run(newSecret.mutateAsync(project.ref)).then((answer) => {
          if (answer?.data) onSecret(answer.data);
        }),
    );
  const remove = () =>
    confirm(
      t("projects.deleteTitle", { name: project.name }),
      t("projects.deleteText"),
      t("common.delete"),
      () => void run(deletion.mutateAsync(project.ref)),
    );
  return (
    <IfMayChange>
      <Group gap={4} justify="flex-end" wrap="nowrap">
        <RowButton leftSection={<IconRefresh size={14} />} onClick={roll}>
          {t("projects.roll")}
        </RowButton>
        <RowRemoval leftSection={<IconTrash size={14} />} onClick={remove}>
          {t("common.delete")}
        </RowRemoval>
      </Group>
    </IfMayChange>
  );
}

/** Getting a token and asking for something, as commands. */
function How() {
  const t = useT();
  const host = window.location.origin;
  return (
    <Panel
      title={t("projects.how")}
      right={
        <Anchor href="/docs" target="_blank" size="sm">
          {t("projects.docs")}
        </Anchor>
      }
    >
      <Text size="sm" mb="xs">
        {t("projects.howText")}
      </Text>
      <Code block tabIndex={0}>{`curl -d client_id=… -d client_secret=… \\
  "${host}/oauth/client_credential/accesstoken?grant_type=client_credentials"
curl -H "Authorization: Bearer …" -H "content-type: application/json" \\
  -d '{"thingpark_username": "…", "thingpark_password": "…"}' \\
  ${host}/data/lora/thingpark/activate
curl -H "Authorization: Bearer …" ${host}/data/lora/thingpark/devices`}</Code>
    </Panel>
  );
}

function NewProject({ onMade }: { onMade: (project: Schemas["ProjectView"]) => void }) {
  const t = useT();
  const { run } = useTell();
  const [name, setName] = useState("");
  const creation = useCreateProject();
  const saved = useUnsaved(name !== "");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void run(creation.mutateAsync(name)).then((answer) => {
          if (!answer?.data) return;
          saved();
          closeDialogs();
          onMade(answer.data);
        });
      }}
    >
      <Group align="flex-end">
        <NameField data-autofocus value={name} onChange={setName} style={{ flex: 1 }} />
        <Button type="submit" disabled={!name.trim()}>
          {t("common.create")}
        </Button>
      </Group>
    </form>
  );
}
