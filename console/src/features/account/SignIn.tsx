import { Anchor, Button, Divider, Group, Stack, Text, TextInput } from "@mantine/core";
import { useEffect, useState } from "react";
import { api, Unreachable, type Schemas } from "../../api/client";
import { later } from "../../components/lazy";
import { PasswordField } from "../../components/PasswordField";
import { messageOf } from "../../components/problem";
import { useSession } from "../../session";
import { useTexts, withTexts } from "../../text";
import { useForm, Wrong } from "./form";
import { Username } from "./Username";
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
      {options?.passkeyOrigin && <WithPasskey origin={options.passkeyOrigin} />}
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

/** A button that signs in with a passkey, or as `factor` shows one after the password; or why there is none. */
export function WithPasskey({ origin, factor }: { origin?: string; factor?: boolean }) {
  const { enter, verified } = useSession();
  const { t } = useTexts();
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const show = async () => {
    setBusy(true);
    setProblem(null);
    try {
      // What it says when it fails is no text of the form.
      const passkey = await later(() => withTexts(() => import("./passkey")));
      try {
        if (factor) verified(await passkey.verifyWithPasskey());
        else enter(await passkey.enterWithPasskey());
      } catch (error) {
        if (!(error instanceof passkey.PasskeyFailed)) throw error;
        setProblem(t(error.key));
        setBusy(false);
      }
    } catch (error) {
      setProblem(messageOf(error, t));
      setBusy(false);
    }
  };
  if (origin && (origin !== window.location.origin || !window.isSecureContext))
    return (
      <Text size="xs" c="dimmed">
        {t("passkeys.elsewhere")}{" "}
        <Anchor href={`${origin}/console/`} size="xs" underline="always">
          {origin}
        </Anchor>
      </Text>
    );
  return (
    <Stack gap="xs">
      <Wrong text={problem} />
      <Button variant="default" loading={busy} onClick={() => void show()} fullWidth>
        {t(factor ? "passkeys.factor" : "passkeys.signIn")}
      </Button>
    </Stack>
  );
}

/** The second factor, after the password: a code, or a passkey. */
export function ShowCode() {
  const { user, verify, signOut } = useSession();
  const { t } = useTexts();
  const [code, setCode] = useState("");
  const { state, problem, submit } = useForm(() =>
    verify(code).catch((error: unknown) => {
      setCode("");
      throw error;
    }),
  );
  return (
    <form onSubmit={submit}>
      <Stack>
        {user?.passkey && (
          <>
            <WithPasskey factor />
            <Divider label={t("signIn.or")} />
          </>
        )}
        <Wrong text={problem} />
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
        <Button type="submit" loading={state !== "open"} disabled={code.trim().length < 6} fullWidth>
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
  const { state, problem, submit } = useForm(
    () => signIn(username, password),
    (error) => (error instanceof Unreachable ? t("common.unreachableRead") : messageOf(error, t)),
  );
  return (
    <form onSubmit={submit}>
      <Stack>
        <Wrong text={problem} />
        {/* oxlint-disable-next-line jsx-a11y/no-autofocus -- nothing else is on the screen to sign in */}
        <Username value={username} onChange={setUsername} autoFocus={!of} readOnly={Boolean(of)} />
        <PasswordField
          label={t("signIn.password")}
          value={password}
          onChange={setPassword}
          autoComplete="current-password"
          required
          name="password"
          data-autofocus={Boolean(of)}
        />
        <Button type="submit" loading={state !== "open"} fullWidth>
          {t("signIn.submit")}
        </Button>
      </Stack>
    </form>
  );
}
