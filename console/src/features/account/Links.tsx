// Where links lead that were sent by e-mail: an invitation, a new password. And the request for one.
import { Alert, Anchor, Button, Stack, Text, TextInput } from "@mantine/core";
import { useEffect, useState } from "react";
import { api, type Schemas } from "../../api/client";
import { PasswordField } from "../../components/PasswordField";
import { Loading, messageOf } from "../../components/problem";
import { useTexts } from "../../text";
import { useForm, Wrong } from "./form";
import { Outside } from "./Outside";

/** Behind the #, so that no server has it in its log. */
const token = () => decodeURIComponent(window.location.hash.slice(1));

function ToSignIn() {
  const { t } = useTexts();
  return (
    <Anchor href="/console/" size="sm">
      {t("link.toSignIn")}
    </Anchor>
  );
}

function Done({ text }: { text: string }) {
  const { t } = useTexts();
  return (
    <Stack>
      <Alert color="veld" role="status">
        {text}
      </Alert>
      <Button component="a" href="/console/" fullWidth>
        {t("signIn.submit")}
      </Button>
    </Stack>
  );
}

function NewPassword({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const { t } = useTexts();
  return (
    <PasswordField
      label={t("account.new")}
      description={t("account.short")}
      value={value}
      onChange={onChange}
      autoComplete="new-password"
      name="password"
      required
    />
  );
}

interface UsernameProps {
  label: string;
  value: string;
  onChange: (username: string) => void;
}

function Username({ label, value, onChange }: UsernameProps) {
  return (
    <TextInput
      label={label}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      autoComplete="username"
      name="username"
      required
    />
  );
}

function InvitedAs({ of }: { of: Schemas["Invited"] }) {
  const { t } = useTexts();
  return (
    <Text size="sm">
      {t("invitation.text", { by: of.invitedBy, subscriber: of.subscriber, role: t(`role.${of.role}`) })}
    </Text>
  );
}

export function Invitation() {
  const { t } = useTexts();
  const [found, setFound] = useState<Schemas["Invited"] | null>(null);
  const [invalid, setInvalid] = useState<unknown>(null);
  const [username, setUsername] = useState("");
  const [displayName, setName] = useState("");
  const [password, setPassword] = useState("");
  useEffect(() => {
    api.POST("/api/v1/invitation", { body: { token: token() } }).then(({ data }) => {
      setFound(data ?? null);
      setUsername(data?.email ?? "");
    }, setInvalid);
  }, []);
  const form = useForm(() =>
    api.POST("/api/v1/invitation/acceptance", { body: { token: token(), username, displayName, password } }),
  );
  return (
    <Outside title={t("invitation.title")}>
      {invalid ? (
        <Stack>
          <Wrong text={messageOf(invalid, t)} />
          <ToSignIn />
        </Stack>
      ) : form.state === "done" ? (
        <Done text={t("invitation.done", { name: username })} />
      ) : !found ? (
        <Loading rows={3} />
      ) : (
        <form onSubmit={form.submit}>
          <Stack>
            <InvitedAs of={found} />
            <Wrong text={form.problem} />
            <Username label={t("signIn.username")} value={username} onChange={setUsername} />
            <TextInput
              label={t("invitation.name")}
              value={displayName}
              onChange={(event) => setName(event.currentTarget.value)}
              autoComplete="name"
              name="name"
            />
            <NewPassword value={password} onChange={setPassword} />
            <Button type="submit" loading={form.state === "busy"} disabled={!username || password.length < 8} fullWidth>
              {t("invitation.accept")}
            </Button>
          </Stack>
        </form>
      )}
    </Outside>
  );
}

export function Reset() {
  const { t, language } = useTexts();
  const [found, setFound] = useState<Schemas["ResetOf"] | null>(null);
  const [invalid, setInvalid] = useState<unknown>(null);
  const [password, setPassword] = useState("");
  useEffect(() => {
    api
      .POST("/api/v1/passwordReset/link", { body: { token: token() } })
      .then(({ data }) => setFound(data ?? null), setInvalid);
  }, []);
  const form = useForm(() =>
    api.POST("/api/v1/passwordReset/password", { body: { token: token(), password, language } }),
  );
  return (
    <Outside title={t("reset.title")}>
      {invalid ? (
        <Stack>
          <Wrong text={messageOf(invalid, t)} />
          <ToSignIn />
        </Stack>
      ) : form.state === "done" ? (
        <Done text={t("reset.done")} />
      ) : !found ? (
        <Loading rows={2} />
      ) : (
        <form onSubmit={form.submit}>
          <Stack>
            <Wrong text={form.problem} />
            <TextInput label={t("signIn.username")} value={found.username} autoComplete="username" readOnly />
            <NewPassword value={password} onChange={setPassword} />
            <Text size="xs" c="dimmed">
              {t("reset.text")}
            </Text>
            <Button type="submit" loading={form.state === "busy"} disabled={password.length < 8} fullWidth>
              {t("reset.set")}
            </Button>
          </Stack>
        </form>
      )}
    </Outside>
  );
}

export function Forgot() {
  const { t, language } = useTexts();
  const [username, setUsername] = useState("");
  const form = useForm(() => api.POST("/api/v1/passwordReset", { body: { username, language } }));
  return (
    <Outside title={t("signIn.forgot")}>
      {form.state === "done" ? (
        <Stack>
          <Alert color="veld" role="status">
            {t("forgot.sent")}
          </Alert>
          <ToSignIn />
        </Stack>
      ) : (
        <form onSubmit={form.submit}>
          <Stack>
            <Text size="sm">{t("forgot.text")}</Text>
            <Wrong text={form.problem} />
            <Username label={t("forgot.who")} value={username} onChange={setUsername} />
            <Button type="submit" loading={form.state === "busy"} disabled={!username.trim()} fullWidth>
              {t("forgot.send")}
            </Button>
            <ToSignIn />
          </Stack>
        </form>
      )}
    </Outside>
  );
}
