// What an operator does with a user: role, password, second factor, names, copies, suspension, removal.
import { ActionIcon, Button, Group, Menu, Stack, Text } from "@mantine/core";
import { IconDots } from "@tabler/icons-react";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { IfMayChange, Loading, Problem, blocking } from "../../components/basics";
import { closeDialogs, openDialog } from "../../components/dialogs";
import { useUnsaved } from "../../components/edits";
import { useConfirm, useTell } from "../../components/notify";
import { PasswordField } from "../../components/PasswordField";
import { useT } from "../../text";
import { RenameUser, useSuspension } from "../users/forms";
import { useChangeUser, useDeleteUser, useResetUserFactor, useUserUses, type Person } from "./api";
import { CopyUser } from "./NewUser";
import { Uses } from "./OfferMenu";

type User = Schemas["User"];

interface Props {
  kind: Person["kind"];
  user: User;
}

type Item = [label: string, act: () => void, asks: boolean];

export function UserMenu({ kind, user }: Props) {
  const t = useT();
  const person = { kind, ref: user.ref };
  const name = user.username;
  const items = [...useRights({ kind, user }), ...useNames({ kind, user })];
  return (
    <IfMayChange>
      <Menu position="bottom-end" withArrow>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={t("colleagues.actionsOf", { name })}>
            <IconDots size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {items.map(([label, act, asks]) => (
            <Menu.Item key={label} aria-haspopup={asks ? "dialog" : undefined} onClick={act}>
              {label}
            </Menu.Item>
          ))}
          <Menu.Item
            color="red"
            aria-haspopup="dialog"
            onClick={() => openDialog(t("users.removeTitle", { name }), <Removal person={person} />)}
          >
            {t("common.delete")}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </IfMayChange>
  );
}

/** What somebody may do, and how they prove who they are. */
function useRights({ kind, user }: Props): Item[] {
  const t = useT();
  const confirm = useConfirm();
  const { run } = useTell();
  const change = useChangeUser();
  const factor = useResetUserFactor();
  const name = user.username;
  const reads = user.role === "ro";
  const setRole = (role: "rw" | "ro") =>
    void run(change.mutateAsync({ person: { kind, ref: user.ref }, role }), t("users.changed"));
  const turn = () => {
    if (!reads) return setRole("ro");
    confirm(
      t("users.makeRwTitle", { name }),
      t(kind === "operator" ? "users.confirmRw" : "users.makeRwText", { name }),
      t("users.makeRw"),
      () => setRole("rw"),
    );
  };
  const resetFactor = () =>
    confirm(
      t("colleagues.resetFactorTitle", { name }),
      t("colleagues.resetFactorText"),
      t("colleagues.resetFactor"),
      () => void run(factor.mutateAsync({ kind, ref: user.ref }), t("factor.removed")),
    );
  return [
    [t(reads ? "users.makeRw" : "users.makeRo"), turn, reads],
    [
      t("users.password"),
      () => openDialog(t("users.passwordOf", { name }), <NewPassword kind={kind} user={user} />),
      true,
    ],
    [t("colleagues.resetFactor"), resetFactor, true],
  ];
}

function useNames({ kind, user }: Props): Item[] {
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
  return [
    [t("users.rename"), rename, true],
    [t("offers.copy"), copy, true],
    [t(user.suspended ? "offers.resume" : "offers.suspend"), turn, true],
  ];
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

function NewPassword({ kind, user }: Props) {
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
