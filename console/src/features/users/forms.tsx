// What administrators and operators do with users alike: give one other names, suspend and resume one.
import { Button, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { useConfirm, useTell } from "../../components/notify";
import { useSaving } from "../../components/saving";
import { useT } from "../../text";

export interface Names {
  username: string;
  displayName: string;
  email?: string | null;
}

interface RenameProps {
  user: Names;
  change: (names: { username: string; displayName: string; email?: string }) => Promise<unknown>;
}

/** An address is changed with the user name where it is the user name. */
export function RenameUser({ user, change }: RenameProps) {
  const t = useT();
  const before = { username: user.username, displayName: user.displayName, email: user.email ?? "" };
  const [form, setForm] = useState(before);
  const put = (part: Partial<typeof form>) =>
    setForm((last) => ({
      ...last,
      ...part,
      ...(part.username !== undefined && last.email === last.username ? { email: part.username } : {}),
    }));
  const { username, displayName, email } = form;
  const differs = username !== before.username || displayName !== before.displayName || email !== before.email;
  const save = useSaving(differs);
  const submit = () => {
    const names = { username, displayName };
    return save(change(email && email !== before.email ? { ...names, email } : names), t("users.changed"));
  };
  return (
    <Stack>
      <TextInput
        label={t("common.name")}
        value={displayName}
        onChange={(event) => put({ displayName: event.currentTarget.value })}
        data-autofocus
        required
      />
      <TextInput
        label={t("signIn.username")}
        description={t("users.usernameText")}
        value={username}
        onChange={(event) => put({ username: event.currentTarget.value })}
        required
        autoComplete="off"
      />
      <TextInput
        label={t("colleagues.email")}
        description={t("users.emailText")}
        value={email}
        onChange={(event) => put({ email: event.currentTarget.value })}
        autoComplete="off"
      />
      <Button onClick={() => void submit()} disabled={!differs || username.trim().length < 3 || !displayName.trim()}>
        {t("common.save")}
      </Button>
    </Stack>
  );
}

/** Asks, and suspends a user or resumes it. */
export function useSuspension() {
  const t = useT();
  const confirm = useConfirm();
  const { run } = useTell();
  return (name: string, suspended: boolean, change: (suspended: boolean) => Promise<unknown>) =>
    confirm(
      t(suspended ? "offers.resumeTitle" : "offers.suspendTitle", { name }),
      t(suspended ? "users.resumeText" : "users.suspendText"),
      t(suspended ? "offers.resume" : "offers.suspend"),
      () => void run(change(!suspended), t(suspended ? "offers.resumed" : "offers.suspendedDone", { name })),
    );
}
