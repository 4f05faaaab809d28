import { Alert, Anchor, Button, Divider, Group, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useEffect, useState, type FormEvent } from "react";
import { api, Unreachable, type Schemas } from "../../api/client";
import { messageOf } from "../../components/problem";
import { useSession } from "../../session";
import { useTexts } from "../../text";
import { Outside } from "./Outside";

export function SignIn() {
  const { t } = useTexts();
  const [options, setOptions] = useState<Schemas["SignInOptions"] | null>(null);
  useEffect(() => {
    // The form works without; what it offers besides comes when it comes.
    api.GET("/api/v1/signIn").then(
      ({ data }) => setOptions(data ?? null),
      () => {},
    );
  }, []);
  return (
    <Outside title={t("signIn.submit")} help={t("signIn.help")}>
      <Credentials />
      {options?.passwordReset && (
        <Anchor href="/console/forgot" size="sm">
          {t("signIn.forgot")}
        </Anchor>
      )}
      {options !== null && options.providers.length > 0 && (
        <Stack gap="xs">
          <Divider label={t("signIn.or")} />
          {options.providers.map(({ name, label }) => (
            <Button key={name} component="a" href={`/api/v1/signIn/${name}`} variant="default" fullWidth>
              {t("signIn.with", { provider: label })}
            </Button>
          ))}
        </Stack>
      )}
    </Outside>
  );
}

/** The code of the second factor, after the password. */
export function ShowCode() {
  const { verify, signOut } = useSession();
  const { t } = useTexts();
  const [code, setCode] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await verify(code);
    } catch (error) {
      setProblem(messageOf(error, t));
      setBusy(false);
      setCode("");
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack>
        {problem && (
          <Alert color="red" role="alert">
            {problem}
          </Alert>
        )}
        <TextInput
          label={t("factor.code")}
          description={t("factor.codeText")}
          value={code}
          onChange={(event) => setCode(event.currentTarget.value)}
          autoComplete="one-time-code"
          name="code"
          required
          data-autofocus
          maxLength={40}
        />
        <Button type="submit" loading={busy} disabled={code.trim().length < 6} fullWidth>
          {t("signIn.submit")}
        </Button>
        <Group justify="center">
          <Button variant="subtle" size="compact-sm" onClick={() => void signOut()}>
            {t("signIn.other")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

export function Credentials({ of }: { of?: string }) {
  const { signIn } = useSession();
  const { t } = useTexts();
  const [username, setUsername] = useState(of ?? "");
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await signIn(username, password);
    } catch (error) {
      setProblem(error instanceof Unreachable ? t("common.unreachableRead") : messageOf(error, t));
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack>
        {problem && (
          <Alert color="red" role="alert">
            {problem}
          </Alert>
        )}
        <TextInput
          label={t("signIn.username")}
          value={username}
          onChange={(event) => setUsername(event.currentTarget.value)}
          autoComplete="username"
          required
          autoFocus={!of}
          readOnly={Boolean(of)}
          name="username"
        />
        <PasswordInput
          label={t("signIn.password")}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          autoComplete="current-password"
          required
          name="password"
          data-autofocus={Boolean(of)}
          visibilityToggleButtonProps={{ "aria-label": t("signIn.show") }}
        />
        <Button type="submit" loading={busy} fullWidth>
          {t("signIn.submit")}
        </Button>
      </Stack>
    </form>
  );
}
