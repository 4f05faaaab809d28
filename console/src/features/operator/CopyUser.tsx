// A user like another one: of the same organisation, with the same role.
import { Button, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { PasswordField } from "../../components/PasswordField";
import { useSaving } from "../../components/saving";
import { useT } from "../../text";
import { useCopyUser, type Person } from "./api";

export function CopyUser({ person }: { person: Person }) {
  const t = useT();
  const copying = useCopyUser(person);
  const [form, setForm] = useState({ username: "", displayName: "", password: "" });
  const put = (part: Partial<typeof form>) => setForm((before) => ({ ...before, ...part }));
  const { username, displayName, password } = form;
  const save = useSaving(Boolean(username || displayName || password));
  const submit = () =>
    save(
      copying.mutateAsync({ username, displayName: displayName || username, password }),
      t("users.copied", { name: username }),
    );
  return (
    <Stack>
      <Text size="sm">{t("users.copyText")}</Text>
      <TextInput
        label={t("signIn.username")}
        value={username}
        onChange={(event) => put({ username: event.currentTarget.value })}
        required
        data-autofocus
        autoComplete="off"
      />
      <TextInput
        label={t("common.name")}
        value={displayName}
        onChange={(event) => put({ displayName: event.currentTarget.value })}
      />
      <PasswordField
        label={t("signIn.password")}
        description={t("account.short")}
        value={password}
        onChange={(next) => put({ password: next })}
        required
        autoComplete="new-password"
      />
      <Button onClick={() => void submit()} disabled={username.length < 3 || password.length < 8}>
        {t("common.create")}
      </Button>
    </Stack>
  );
}
