import { ActionIcon, Badge, Button, Group, Menu, Stack, Text, Title } from "@mantine/core";
import { IconDots, IconUsers } from "@tabler/icons-react";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { NewButton, RowButton, RowRemoval } from "../../components/actions";
import { Empty, IfMayChange, Loading, Mono, PageTitle, Problem, blocking } from "../../components/basics";
import { DataTable, type Column } from "../../components/DataTable";
import { closeDialogs, openDialog } from "../../components/dialogs";
import { useUnsaved } from "../../components/edits";
import { Suspended } from "../../components/Suspended";
import { useConfirm, useTell } from "../../components/notify";
import { PasswordField } from "../../components/PasswordField";
import { useSession } from "../../session";
import { useT, type Translate } from "../../text";
import { useChangeUser, useDeleteUser, useResetUserFactor, useUsers, useUserUses, type Person } from "./api";
import { RenameUser, useSuspension } from "../users/forms";
import { CopyUser } from "./CopyUser";
import { NewUser } from "./NewUser";
import { Uses } from "./OfferMenu";

type User = Schemas["User"];

export function Users() {
  const t = useT();
  const { user: me } = useSession();
  const found = useUsers();
  const columns = (kind: Person["kind"]) => columnsOf(t, kind, me?.username);
  return (
    <>
      <PageTitle title={t("nav.users")} below={t("users.below")}>
        <IfMayChange>
          <NewButton onClick={() => openDialog(t("users.new"), <NewUser />)}>{t("users.new")}</NewButton>
        </IfMayChange>
      </PageTitle>
      {blocking(found) ? (
        <Problem error={found.error} retry={() => void found.refetch()} />
      ) : !found.data ? (
        <Loading />
      ) : (
        <Stack>
          <Title order={2} size="h5">
            {t("users.operator")}
          </Title>
          <DataTable
            label={t("users.operator")}
            rows={found.data.operator}
            columns={columns("operator")}
            id={(row) => row.ref}
          />
          <Title order={2} size="h5">
            {t("users.subscribers")}
          </Title>
          <DataTable
            label={t("users.subscribers")}
            rows={found.data.subscribers}
            columns={columns("subscriber")}
            id={(row) => row.ref}
            empty={<Empty icon={IconUsers} title={t("users.none")} text={t("users.noneText")} />}
          />
        </Stack>
      )}
    </>
  );
}

function nameOf(row: User) {
  return (
    <Group gap={8}>
      {row.displayName} <Suspended of={row} />
    </Group>
  );
}

/** `me` may not be changed by the one who is. */
function columnsOf(t: Translate, kind: Person["kind"], me: string | undefined): Column<User>[] {
  return [
    { key: "name", title: t("common.name"), value: (row) => row.displayName, render: (row) => nameOf(row) },
    { key: "username", title: t("signIn.username"), value: (row) => row.username, render: (row) => row.username },
    ...(kind === "subscriber"
      ? [
          {
            key: "customer",
            title: t("subscribers.id"),
            value: (row: User) => row.customerId,
            render: (row: User) => <Mono>{row.customerId}</Mono>,
          },
        ]
      : []),
    {
      key: "role",
      title: t("account.role"),
      render: (row) => (
        <Badge
          variant="light"
          color={row.role === "ro" ? "gray" : "veld"}
          tt="none"
          style={{ color: "var(--mantine-color-text)" }}
        >
          {t(`role.${row.role}`)}
        </Badge>
      ),
    },
    {
      key: "actions",
      title: "",
      align: "right",
      render: (row) => (row.username === me ? null : <Actions kind={kind} row={row} />),
    },
  ];
}

function Actions({ kind, row }: { kind: Person["kind"]; row: User }) {
  const t = useT();
  const confirm = useConfirm();
  const { run } = useTell();
  const change = useChangeUser();
  const factor = useResetUserFactor();
  const name = row.username;
  const setRole = (role: "rw" | "ro") =>
    void run(change.mutateAsync({ person: { kind, ref: row.ref }, role }), t("users.changed"));
  const turn = () => {
    if (row.role !== "ro") return setRole("ro");
    confirm(
      t("users.makeRwTitle", { name }),
      t(kind === "operator" ? "users.confirmRw" : "users.makeRwText", { name }),
      t("users.makeRw"),
      () => setRole("rw"),
    );
  };
  const resetFactor = () =>
    confirm(
      t("colleagues.resetFactorTitle", { name: row.username }),
      t("colleagues.resetFactorText"),
      t("colleagues.resetFactor"),
      () => void run(factor.mutateAsync({ kind, ref: row.ref }), t("factor.removed")),
    );
  const remove = () => openDialog(t("users.removeTitle", { name }), <Removal person={{ kind, ref: row.ref }} />);
  return (
    <IfMayChange>
      <Group gap={4} justify="flex-end">
        <Button
          size="compact-sm"
          variant="default"
          aria-haspopup={row.role === "ro" ? "dialog" : undefined}
          onClick={turn}
        >
          {t(row.role !== "ro" ? "users.makeRo" : "users.makeRw")}
        </Button>
        <RowButton onClick={() => openDialog(t("users.passwordOf", { name }), <NewPassword kind={kind} user={row} />)}>
          {t("users.password")}
        </RowButton>
        <RowButton onClick={resetFactor}>{t("colleagues.resetFactor")}</RowButton>
        <More kind={kind} user={row} />
        <RowRemoval onClick={remove}>{t("common.delete")}</RowRemoval>
      </Group>
    </IfMayChange>
  );
}

/** What is done less often. */
function More({ kind, user }: { kind: Person["kind"]; user: User }) {
  const t = useT();
  const change = useChangeUser();
  const suspend = useSuspension();
  const person = { kind, ref: user.ref };
  const name = user.username;
  const rename = () =>
    openDialog(
      t("users.renameOf", { name }),
      <RenameUser user={user} change={(names) => change.mutateAsync({ person, ...names })} />,
    );
  const copy = () => openDialog(t("users.copyOf", { name }), <CopyUser person={person} />);
  const turn = () => suspend(name, user.suspended ?? false, (suspended) => change.mutateAsync({ person, suspended }));
  return (
    <Menu position="bottom-end" withArrow>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={t("colleagues.actionsOf", { name })}>
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item aria-haspopup="dialog" onClick={rename}>
          {t("users.rename")}
        </Menu.Item>
        <Menu.Item aria-haspopup="dialog" onClick={copy}>
          {t("offers.copy")}
        </Menu.Item>
        <Menu.Item aria-haspopup="dialog" onClick={turn}>
          {t(user.suspended ? "offers.resume" : "offers.suspend")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** With what ends with the user, shown first. */
function Removal({ person }: { person: Person }) {
  const t = useT();
  const { run } = useTell();
  const uses = useUserUses(person);
  const deletion = useDeleteUser();
  const remove = async () => {
    if (await run<unknown>(deletion.mutateAsync(person), t("users.removed"))) closeDialogs();
  };
  if (blocking(uses)) return <Problem error={uses.error} />;
  if (!uses.data) return <Loading rows={2} />;
  return (
    <Stack>
      <Uses uses={uses.data} />
      <Text size="sm">{t("users.removeText")}</Text>
      <Group justify="flex-end">
        <Button variant="default" onClick={() => closeDialogs()} data-autofocus>
          {t("common.cancel")}
        </Button>
        <Button color="red.9" loading={deletion.isPending} onClick={() => void remove()}>
          {t("common.delete")}
        </Button>
      </Group>
    </Stack>
  );
}

function NewPassword({ kind, user }: { kind: Person["kind"]; user: User }) {
  const t = useT();
  const { run } = useTell();
  const change = useChangeUser();
  const [password, setPassword] = useState("");
  useUnsaved(password !== "");
  const save = async () => {
    const answer = await run(change.mutateAsync({ person: { kind, ref: user.ref }, password }), t("account.changed"));
    if (answer) closeDialogs();
  };
  return (
    <Stack>
      <PasswordField
        label={t("account.new")}
        value={password}
        onChange={setPassword}
        autoComplete="new-password"
        data-autofocus
      />
      <Button onClick={() => void save()} disabled={password.length < 8}>
        {t("common.save")}
      </Button>
    </Stack>
  );
}
