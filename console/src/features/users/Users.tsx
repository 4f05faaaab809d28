// The users of a subscriber, for its administrators: invitations, roles, sessions, keys, passwords, second factors.
import { ActionIcon, Badge, Button, Menu, Select, Stack, Text, TextInput, Title } from "@mantine/core";
import { IconDots, IconLock, IconMail, IconUsers } from "@tabler/icons-react";
import { useState, type FormEvent } from "react";
import type { Schemas } from "../../api/client";
import { Empty, Once, PageTitle, Time } from "../../components/basics";
import { DataTable } from "../../components/DataTable";
import { done, useConfirm, useTell } from "../../components/notify";
import { blocking, Loading, Problem } from "../../components/problem";
import { Suspended } from "../../components/Suspended";
import { closeDialogs, openDialog } from "../../components/dialogs";
import { useUnsaved } from "../../components/edits";
import { useSession } from "../../session";
import { useT, useTexts } from "../../text";
import { KeyRows, SessionRows } from "../account/Access";
import {
  useAccess,
  useChangeColleague,
  useColleagues,
  useEndUserSession,
  useInvitations,
  useInvite,
  useRemoveColleague,
  useRenewInvitation,
  useResetFactor,
  useResetPassword,
  useRevokeUserKey,
  useWithdraw,
  type Colleague,
  type Role,
} from "./api";
import { RenameUser, useSuspension } from "./forms";

interface Link {
  label: string;
  value: string;
}

const roles: Role[] = ["ro", "rw", "admin"];
const address = (page: string, token: string) => `${window.location.origin}/console/${page}#${token}`;

export function Users() {
  const t = useT();
  const { mayManage } = useSession();
  const [link, setLink] = useState<Link | null>(null);
  if (!mayManage) return <Empty icon={IconLock} title={t("colleagues.notYours")} text={t("colleagues.notYoursText")} />;
  return (
    <>
      <PageTitle title={t("nav.users")} below={t("colleagues.below")}>
        <Button
          leftSection={<IconMail size={16} />}
          aria-haspopup="dialog"
          onClick={() => openDialog(t("colleagues.invite"), <Invite onLink={setLink} />)}
        >
          {t("colleagues.invite")}
        </Button>
      </PageTitle>
      <Stack>
        {link && <Once label={link.label} value={link.value} />}
        <People onLink={setLink} />
        <Invitations onLink={setLink} />
      </Stack>
    </>
  );
}

function RoleBadge({ role }: { role: Role }) {
  const t = useT();
  return (
    <Badge
      variant="light"
      color={role === "ro" ? "gray" : "veld"}
      tt="none"
      style={{ color: "var(--mantine-color-text)" }}
    >
      {t(`role.${role}`)}
    </Badge>
  );
}

function People({ onLink }: { onLink: (link: Link | null) => void }) {
  const t = useT();
  const found = useColleagues();
  if (blocking(found)) return <Problem error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading />;
  return (
    <DataTable
      label={t("nav.users")}
      rows={found.data}
      id={(row) => row.ref}
      empty={<Empty icon={IconUsers} title={t("users.none")} text={t("colleagues.noneText")} />}
      columns={[
        {
          key: "name",
          title: t("common.name"),
          value: (row) => row.displayName,
          render: (row) => (
            <>
              {row.displayName} <Suspended of={row} />{" "}
              {row.you && (
                <Text span size="xs" c="dimmed">
                  ({t("colleagues.you")})
                </Text>
              )}
            </>
          ),
        },
        { key: "username", title: t("signIn.username"), value: (row) => row.username, render: (row) => row.username },
        {
          key: "role",
          title: t("account.role"),
          value: (row) => row.role,
          render: (row) => <RoleBadge role={row.role} />,
        },
        {
          key: "factor",
          title: t("factor.title"),
          value: (row) => (row.secondFactor ? 1 : 0),
          render: (row) => t(row.secondFactor ? "common.yes" : "common.no"),
        },
        {
          key: "seen",
          title: t("colleagues.seen"),
          value: (row) => row.lastSeen,
          render: (row) => <Time at={row.lastSeen} short />,
        },
        { key: "actions", title: "", align: "right", render: (row) => <Actions user={row} onLink={onLink} /> },
      ]}
    />
  );
}

interface ActionsProps {
  user: Colleague;
  onLink: (link: Link | null) => void;
}

type Item = [label: string, act: () => void, shown: boolean, asks?: boolean];

/** Other names, another user like this one, suspension. */
function useAgain({ user, onLink }: ActionsProps): Item[] {
  const t = useT();
  const change = useChangeColleague(user.ref);
  const suspend = useSuspension();
  const name = user.displayName;
  const rename = <RenameUser user={user} change={(names) => change.mutateAsync(names)} />;
  const copy = <Invite role={user.role} onLink={onLink} />;
  return [
    [t("users.rename"), () => openDialog(t("users.renameOf", { name }), rename), !user.you, true],
    [t("offers.copy"), () => openDialog(t("users.copyOf", { name }), copy), true, true],
    [
      t(user.suspended ? "offers.resume" : "offers.suspend"),
      () => suspend(name, user.suspended, (suspended) => change.mutateAsync({ suspended })),
      !user.you,
      true,
    ],
  ];
}

/** What can be done with the account of a colleague; deleting it aside. */
function useActions({ user, onLink }: ActionsProps) {
  const { t, language } = useTexts();
  const confirm = useConfirm();
  const { run } = useTell();
  const password = useResetPassword();
  const factor = useResetFactor();
  const again = useAgain({ user, onLink });
  const name = user.displayName;
  const sendLink = async () => {
    const answer = await run(password.mutateAsync({ userRef: user.ref, language }));
    if (!answer?.data) return;
    const { mailed, token } = answer.data;
    if (mailed) done(t("colleagues.resetSent", { name }));
    onLink(token ? { label: t("colleagues.resetLink", { name }), value: address("reset", token) } : null);
  };
  const items: Item[] = [
    [
      t("colleagues.access"),
      () => openDialog(t("colleagues.accessOf", { name }), <Access user={user} />, { size: "lg" }),
      true,
      true,
    ],
    [
      t("colleagues.changeRole"),
      () => openDialog(t("colleagues.roleOf", { name }), <ChangeRole user={user} />),
      !user.you,
      true,
    ],
    ...again,
    [t("colleagues.reset"), () => void sendLink(), !user.you && user.password && !user.suspended],
    [
      t("colleagues.resetFactor"),
      () =>
        confirm(
          t("colleagues.resetFactorTitle", { name }),
          t("colleagues.resetFactorText"),
          t("colleagues.resetFactor"),
          () => void run(factor.mutateAsync({ userRef: user.ref, language }), t("factor.removed")),
        ),
      !user.you && user.secondFactor,
      true,
    ],
  ];
  return items;
}

function Actions({ user, onLink }: ActionsProps) {
  const t = useT();
  const confirm = useConfirm();
  const { run } = useTell();
  const removal = useRemoveColleague();
  const name = user.displayName;
  const items = useActions({ user, onLink });
  const remove = () =>
    confirm(
      t("users.removeTitle", { name }),
      t("users.removeText"),
      t("common.delete"),
      () => void run(removal.mutateAsync(user.ref), t("users.removed")),
    );
  return (
    <Menu position="bottom-end" withArrow>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={t("colleagues.actionsOf", { name })}>
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {items.map(
          ([label, act, shown, asks]) =>
            shown && (
              <Menu.Item key={label} aria-haspopup={asks ? "dialog" : undefined} onClick={act}>
                {label}
              </Menu.Item>
            ),
        )}
        {!user.you && (
          <Menu.Item color="red" aria-haspopup="dialog" onClick={remove}>
            {t("common.delete")}
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

function Access({ user }: { user: Colleague }) {
  const t = useT();
  const { run } = useTell();
  const found = useAccess(user.ref);
  const end = useEndUserSession(user.ref);
  const revoke = useRevokeUserKey(user.ref);
  if (blocking(found)) return <Problem error={found.error} />;
  if (!found.data) return <Loading rows={3} />;
  const { sessions, apiKeys } = found.data;
  return (
    <Stack>
      <Title order={3} size="h6">
        {t("sessions.title")}
      </Title>
      {sessions.length ? (
        <SessionRows sessions={sessions} onEnd={(one) => void run(end.mutateAsync(one.id), t("sessions.ended"))} />
      ) : (
        <Text size="sm" c="dimmed">
          {t("sessions.none")}
        </Text>
      )}
      <Title order={3} size="h6">
        {t("apiKeys.title")}
      </Title>
      {apiKeys.length ? (
        <KeyRows keys={apiKeys} onRevoke={(one) => void run(revoke.mutateAsync(one.ref), t("apiKeys.revoked"))} />
      ) : (
        <Text size="sm" c="dimmed">
          {t("apiKeys.none")}
        </Text>
      )}
    </Stack>
  );
}

function RoleSelect({ value, onChange }: { value: Role; onChange: (role: Role) => void }) {
  const t = useT();
  return (
    <Select
      label={t("account.role")}
      description={t(`colleagues.${value}`)}
      allowDeselect={false}
      value={value}
      onChange={(role) => onChange(role as Role)}
      data={roles.map((role) => ({ value: role, label: t(`role.${role}`) }))}
    />
  );
}

function ChangeRole({ user }: { user: Colleague }) {
  const t = useT();
  const { run } = useTell();
  const change = useChangeColleague(user.ref);
  const [role, setRole] = useState<Role>(user.role);
  useUnsaved(role !== user.role);
  const save = async () => {
    if (await run(change.mutateAsync({ role }), t("users.changed"))) closeDialogs();
  };
  return (
    <Stack>
      <RoleSelect value={role} onChange={setRole} />
      <Button onClick={() => void save()} disabled={role === user.role}>
        {t("common.save")}
      </Button>
    </Stack>
  );
}

/** Tells how an invitation went, and gives the link where it was not mailed. */
function useSent(onLink: (link: Link | null) => void) {
  const t = useT();
  return ({ invitation, mailed, token }: Schemas["SentInvitation"]) => {
    const email = invitation.email;
    if (mailed) done(t("colleagues.invited", { email }));
    onLink(token ? { label: t("colleagues.inviteLink", { email }), value: address("invitation", token) } : null);
  };
}

interface InviteProps {
  /** That of somebody whom the invited one is to be like. */
  role?: Role;
  onLink: (link: Link | null) => void;
}

function Invite({ role: first = "ro", onLink }: InviteProps) {
  const { t, language } = useTexts();
  const { run } = useTell();
  const invitation = useInvite();
  const sent = useSent(onLink);
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>(first);
  useUnsaved(email !== "" || role !== first);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const answer = await run(invitation.mutateAsync({ email, role, language }));
    if (!answer?.data) return;
    closeDialogs();
    sent(answer.data);
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack>
        <TextInput
          label={t("colleagues.email")}
          type="email"
          placeholder="name@example.com"
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
          data-autofocus
          required
        />
        <RoleSelect value={role} onChange={setRole} />
        <Button type="submit" disabled={!email.includes("@")}>
          {t("colleagues.send")}
        </Button>
      </Stack>
    </form>
  );
}

function Invitations({ onLink }: { onLink: (link: Link | null) => void }) {
  const t = useT();
  const found = useInvitations();
  if (blocking(found)) return <Problem error={found.error} retry={() => void found.refetch()} />;
  if (!found.data?.length) return null;
  return (
    <>
      <Title order={2} size="h5">
        {t("colleagues.open")}
      </Title>
      <DataTable
        label={t("colleagues.open")}
        rows={found.data}
        id={(row) => row.ref}
        columns={[
          { key: "email", title: t("colleagues.email"), value: (row) => row.email, render: (row) => row.email },
          {
            key: "role",
            title: t("account.role"),
            value: (row) => row.role,
            render: (row) => <RoleBadge role={row.role} />,
          },
          { key: "by", title: t("common.by"), value: (row) => row.invitedBy, render: (row) => row.invitedBy },
          {
            key: "until",
            title: t("colleagues.expires"),
            value: (row) => row.expires,
            render: (row) =>
              row.expired ? <span className="poor">{t("apiKeys.expired")}</span> : <Time at={row.expires} short />,
          },
          {
            key: "actions",
            title: "",
            align: "right",
            render: (row) => <InvitationActions of={row} onLink={onLink} />,
          },
        ]}
      />
    </>
  );
}

type OpenInvitation = NonNullable<ReturnType<typeof useInvitations>["data"]>[number];

function InvitationActions({ of, onLink }: { of: OpenInvitation; onLink: (link: Link | null) => void }) {
  const { t, language } = useTexts();
  const { run } = useTell();
  const renewal = useRenewInvitation();
  const withdrawal = useWithdraw();
  const sent = useSent(onLink);
  const again = async () => {
    const answer = await run(renewal.mutateAsync({ invitationRef: of.ref, language }));
    if (answer?.data) sent(answer.data);
  };
  return (
    <>
      <Button size="compact-sm" variant="default" onClick={() => void again()}>
        {t("colleagues.again")}
      </Button>{" "}
      <Button
        size="compact-sm"
        variant="subtle"
        color="red"
        onClick={() => void run(withdrawal.mutateAsync(of.ref), t("colleagues.withdrawn"))}
      >
        {t("colleagues.withdraw")}
      </Button>
    </>
  );
}
