import { Alert, Box, Button, Card, Center, Group, PasswordInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { useEffect, useState, type FormEvent } from "react";
import { Unreachable } from "../../api/client";
import { messageOf } from "../../components/problem";
import { branding, logo, setTitle } from "../../branding";
import { useSession } from "../../session";
import { useTexts } from "../../text";

export function SignIn() {
  const { reachable } = useSession();
  const { t, language, setLanguage } = useTexts();
  useEffect(() => {
    setTitle(t("signIn.submit"));
  }, [t]);
  return (
    <Center
      component="main"
      mih="100vh"
      p="md"
      style={{ background: "linear-gradient(160deg, var(--mantine-color-veld-light), transparent 60%)" }}
    >
      <Card withBorder shadow="sm" p="xl" w={400} maw="100%">
        <Stack gap="lg">
          <Group gap="sm">
            <img src={logo} alt="" width={40} height={40} />
            <Box>
              <Title order={1} size="h3">
                {branding.name}
              </Title>
              <Text size="sm" c="dimmed">
                {t("signIn.subtitle")}
              </Text>
            </Box>
          </Group>
          {!reachable && (
            <Alert color="orange" role="status">
              {t("connection.lost")}
            </Alert>
          )}
          <Credentials />
          <Group justify="space-between">
            <Text size="xs" c="dimmed">
              {t("signIn.help")}
            </Text>
            <Button variant="subtle" size="compact-xs" onClick={() => setLanguage(language === "en" ? "nl" : "en")}>
              {language === "en" ? "Nederlands" : "English"}
            </Button>
          </Group>
        </Stack>
      </Card>
    </Center>
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
