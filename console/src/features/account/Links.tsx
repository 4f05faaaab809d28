// Where links lead that were sent by e-mail: an invitation, a new password. And the request for one.
import { Alert, Anchor, Button, Stack, Text, TextInput } from "@mantine/core";
import { useEffect, useState, type ReactNode } from "react";
import { api, type Schemas } from "../../api/client";
import { PasswordField } from "../../components/PasswordField";
import { Loading, messageOf } from "../../components/problem";
import { useTexts } from "../../text";
import { Username } from "./Username";
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

/** A password to be. */
export function NewPassword({ value, onChange }: { value: string; onChange: (value: string) => void }) {
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

function InvitedAs({ of }: { of: Schemas["Invited"] }) {
  const { t } = useTexts();
  return (
    <Text size="sm">
      {t("invitation.text", { by: of.invitedBy, subscriber: of.subscriber, role: t(`role.${of.role}`) })}
    </Text>
  );
}

interface LinkProps<T> {
  title: string;
  /** Says what the link is for. */
  open: () => Promise<{ data?: T }>;
  form: ReturnType<typeof useForm>;
  done: string;
  rows: number;
  /** The form, once it is known what the link is for. */
  children: (found: T) => ReactNode;
}

/** The page of a link: what it is for, the form, and that it is done; or that the link leads nowhere any more. */
function Link<T>({ title, open, form, done, rows, children }: LinkProps<T>) {
  const { t } = useTexts();
  const [found, setFound] = useState<T | null>(null);
  const [invalid, setInvalid] = useState<unknown>(null);
  useEffect(() => {
    open().then(({ data }) => setFound(data ?? null), setInvalid);
    // Once: a link is opened as it is when its page is.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  return (
    <Outside title={title}>
      {invalid ? (
        <Stack>
          <Wrong text={messageOf(invalid, t)} />
          <ToSignIn />
        </Stack>
      ) : form.state === "done" ? (
        <Done text={done} />
      ) : !found ? (
        <Loading rows={rows} />
      ) : (
        <form onSubmit={form.submit}>
          <Stack>{children(found)}</Stack>
        </form>
      )}
    </Outside>
  );
}

export function Invitation() {
  const { t } = useTexts();
  const [username, setUsername] = useState("");
  const [displayName, setName] = useState("");
  const [password, setPassword] = useState("");
  const form = useForm(() =>
    api.POST("/api/v1/invitation/acceptance", { body: { token: token(), username, displayName, password } }),
  );
  const open = async () => {
    const answer = await api.POST("/api/v1/invitation", { body: { token: token() } });
    setUsername(answer.data?.email ?? "");
    return answer;
  };
  const done = t("invitation.done", { name: username });
  return (
    <Link title={t("invitation.title")} open={open} form={form} done={done} rows={3}>
      {(found) => (
        <>
          <InvitedAs of={found} />
          <Wrong text={form.problem} />
          <Username value={username} onChange={setUsername} />
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
        </>
      )}
    </Link>
  );
}

export function Reset() {
  const { t, language } = useTexts();
  const [password, setPassword] = useState("");
  const form = useForm(() =>
    api.POST("/api/v1/passwordReset/password", { body: { token: token(), password, language } }),
  );
  const open = () => api.POST("/api/v1/passwordReset/link", { body: { token: token() } });
  return (
    <Link title={t("reset.title")} open={open} form={form} done={t("reset.done")} rows={2}>
      {(found) => (
        <>
          <Wrong text={form.problem} />
          <Username value={found.username} required={false} readOnly />
          <NewPassword value={password} onChange={setPassword} />
          <Text size="xs" c="dimmed">
            {t("reset.text")}
          </Text>
          <Button type="submit" loading={form.state === "busy"} disabled={password.length < 8} fullWidth>
            {t("reset.set")}
          </Button>
        </>
      )}
    </Link>
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
