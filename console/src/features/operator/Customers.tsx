import { Badge, Button, Group, PasswordInput, Radio, Select, Stack, TextInput, Title } from "@mantine/core";
import { IconPlus, IconUsers } from "@tabler/icons-react";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { Empty, IfMayChange, Loading, Mono, PageTitle, Problem, blocking } from "../../components/basics";
import { DataTable, type Column } from "../../components/DataTable";
import { useConfirm, useTell } from "../../components/notify";
import { useSession } from "../../session";
import {
  useChangeUser,
  useCreateUser,
  useDeleteUser,
  useResetUserFactor,
  useSubscribers,
  useUsers,
  type Person,
} from "./api";
import { useT, type Translate } from "../../text";
import { closeDialogs, openDialog } from "../../components/dialogs";
import { useUnsaved } from "../../components/edits";

type User = Schemas["User"];
type Role = Schemas["NewUser"]["role"];

export function Users() {
  const t = useT();
  const { user: me } = useSession();
  const found = useUsers();
  const columns = (kind: Person["kind"]) => columnsOf(t, kind, me?.username);
  return (
    <>
      <PageTitle title={t("nav.users")} below={t("users.below")}>
        <IfMayChange>
          <Button
            leftSection={<IconPlus size={16} />}
            aria-haspopup="dialog"
            onClick={() => openDialog(t("users.new"), <NewUser />)}
          >
            {t("users.new")}
          </Button>
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

/** `me` may not be changed by the one who is. */
function columnsOf(t: Translate, kind: Person["kind"], me: string | undefined): Column<User>[] {
  return [
    { key: "name", title: t("common.name"), value: (row) => row.displayName, render: (row) => row.displayName },
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
  const deletion = useDeleteUser();
  const factor = useResetUserFactor();
  const setRole = (role: "rw" | "ro") =>
    void run(change.mutateAsync({ person: { kind, ref: row.ref }, role }), t("users.changed"));
  const turn = () => {
    if (row.role !== "ro") return setRole("ro");
    const name = row.username;
    confirm(
      t("users.makeRwTitle", { name }),
      t(kind === "operator" ? "users.confirmRw" : "users.makeRwText", { name }),
      t("users.makeRw"),
      () => setRole("rw"),
    );
  };
  return (
    <IfMayChange>
      <Group gap={4} justify="flex-end" wrap="nowrap">
        <Button
          size="compact-sm"
          variant="default"
          aria-haspopup={row.role === "ro" ? "dialog" : undefined}
          onClick={turn}
        >
          {t(row.role !== "ro" ? "users.makeRo" : "users.makeRw")}
        </Button>
        <Button
          size="compact-sm"
          variant="default"
          aria-haspopup="dialog"
          onClick={() =>
            openDialog(t("users.passwordOf", { name: row.username }), <NewPassword kind={kind} user={row} />)
          }
        >
          {t("users.password")}
        </Button>
        <Button
          size="compact-sm"
          variant="default"
          aria-haspopup="dialog"
          onClick={() =>
            confirm(
              t("colleagues.resetFactorTitle", { name: row.username }),
              t("colleagues.resetFactorText"),
              t("colleagues.resetFactor"),
              () => void run(factor.mutateAsync({ kind, ref: row.ref }), t("factor.removed")),
            )
          }
        >
          {t("colleagues.resetFactor")}
        </Button>
        <Button
          size="compact-sm"
          variant="subtle"
          color="red"
          aria-haspopup="dialog"
          onClick={() =>
            confirm(
              t("users.removeTitle", { name: row.username }),
              t("users.removeText"),
              t("common.delete"),
              () => void run(deletion.mutateAsync({ kind, ref: row.ref }), t("users.removed")),
            )
          }
        >
          {t("common.delete")}
        </Button>
      </Group>
    </IfMayChange>
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
      <PasswordInput
        label={t("account.new")}
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
        autoComplete="new-password"
        data-autofocus
        visibilityToggleButtonProps={{ "aria-label": t("signIn.show") }}
      />
      <Button onClick={() => void save()} disabled={password.length < 8}>
        {t("common.save")}
      </Button>
    </Stack>
  );
}

/** `customer` where the subscriber is known. */
export function NewUser({ customer, onCreated }: { customer?: string; onCreated?: () => void }) {
  const t = useT();
  const { run } = useTell();
  const confirm = useConfirm();
  const creation = useCreateUser();
  const customers = useSubscribers();
  const [kind, setKind] = useState<"subscriber" | "operator" | "">(customer ? "subscriber" : "");
  const [username, setUsername] = useState("");
  const [displayName, setName] = useState("");
  const [password, setPassword] = useState("");
  const [role, setRole] = useState<Role>(customer ? "admin" : "ro");
  const [customerId, setCustomer] = useState<string | null>(customer ?? null);
  const saved = useUnsaved(Boolean((kind && !customer) || username || displayName || password));
  const save = async () => {
    if (!kind) return;
    const person = { kind, username, displayName: displayName || username, password, role };
    const answer = await run(
      creation.mutateAsync(kind === "subscriber" ? { ...person, customerId } : person),
      t("users.created"),
    );
    if (!answer) return;
    saved();
    closeDialogs();
    onCreated?.();
  };
  const ask = () => {
    if (kind !== "operator") return void save();
    const text = t(role === "rw" ? "users.confirmRw" : "users.confirmRo", { name: username });
    confirm(t("users.confirmTitle", { name: username }), text, t("users.confirm"), () => void save());
  };
  const complete = kind !== "" && (kind === "operator" || customerId) && username.length >= 3 && password.length >= 8;
  return (
    <Stack>
      {!customer && (
        <Radio.Group
          label={t("users.kind")}
          value={kind}
          onChange={(value) => {
            setKind(value);
            if (value === "operator" && role === "admin") setRole("rw");
          }}
          required
        >
          <Stack gap="xs" mt={6}>
            <Radio value="subscriber" label={t("users.kindSubscriber")} description={t("users.kindSubscriberText")} />
            <Radio value="operator" label={t("users.kindOperator")} description={t("users.kindOperatorText")} />
          </Stack>
        </Radio.Group>
      )}
      {kind === "subscriber" && !customer && (
        <Select
          label={t("users.of")}
          required
          searchable
          value={customerId}
          onChange={setCustomer}
          data={(customers.data ?? []).map((one) => ({
            value: one.customerId,
            label: `${one.name} (${one.customerId})`,
          }))}
        />
      )}
      <TextInput
        label={t("signIn.username")}
        value={username}
        onChange={(event) => setUsername(event.currentTarget.value)}
        required
        autoComplete="off"
      />
      <TextInput
        label={t("common.name")}
        value={displayName}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <PasswordInput
        label={t("signIn.password")}
        description={t("account.short")}
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
        required
        autoComplete="new-password"
        visibilityToggleButtonProps={{ "aria-label": t("signIn.show") }}
      />
      <Select
        label={t("account.role")}
        allowDeselect={false}
        value={role}
        onChange={(value) => setRole(value as Role)}
        data={[
          ...(kind === "subscriber" ? [{ value: "admin", label: t("role.admin") }] : []),
          { value: "ro", label: t("role.ro") },
          { value: "rw", label: t("role.rw") },
        ]}
      />
      <Button aria-haspopup={kind === "operator" ? "dialog" : undefined} onClick={ask} disabled={!complete}>
        {t("common.create")}
      </Button>
    </Stack>
  );
}
