import { Badge, Group, Stack, Title } from "@mantine/core";
import { IconUsers } from "@tabler/icons-react";
import type { Schemas } from "../../api/client";
import { NewButton } from "../../components/actions";
import { Empty, IfMayChange, Loading, Mono, PageTitle, Problem, blocking } from "../../components/basics";
import { DataTable, type Column } from "../../components/DataTable";
import { openDialog } from "../../components/dialogs";
import { Suspended } from "../../components/Suspended";
import { useSession } from "../../session";
import { useT, type Translate } from "../../text";
import { useUsers, type Person } from "./api";
import { NewUser } from "./NewUser";
import { UserMenu } from "./UserMenu";

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
      render: (row) => (row.username === me ? null : <UserMenu kind={kind} user={row} />),
    },
  ];
}
