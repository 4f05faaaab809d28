import { Alert, Box, Button, Card, Center, Group, PasswordInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { useState, type FormEvent } from "react";
import { messageOf } from "../components/basics";
import { useSession } from "../session";
import { useTexts } from "../text";

export function SignIn() {
  const { signIn, expired, reachable } = useSession();
  const { t, language, setLanguage } = useTexts();
  const [username, setUsername] = useState("");
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
      setProblem(messageOf(error, t));
      setBusy(false);
    }
  };
  return (
    <Center component="main" mih="100vh" p="md" style={{ background: "linear-gradient(160deg, var(--mantine-color-veld-light), transparent 60%)" }}>
      <Card withBorder shadow="sm" p="xl" w={400} maw="100%">
        <Stack gap="lg">
          <Group gap="sm">
            <img src="/console/favicon.svg" alt="" width={40} height={40} />
            <Box>
              <Title order={1} size="h3">Veldnet</Title>
              <Text size="sm" c="dimmed">{t("signIn.subtitle")}</Text>
            </Box>
          </Group>
          {expired && !problem && <Alert color="blue" role="status">{t("signIn.expired")}</Alert>}
          {problem && <Alert color="red" role="alert">{problem}</Alert>}
          {!reachable && <Alert color="orange" role="status">{t("connection.lost")}</Alert>}
          <form onSubmit={(event) => void submit(event)}>
            <Stack>
              <TextInput label={t("signIn.username")} value={username} onChange={(event) => setUsername(event.currentTarget.value)} autoComplete="username" required autoFocus name="username" />
              <PasswordInput label={t("signIn.password")} value={password} onChange={(event) => setPassword(event.currentTarget.value)} autoComplete="current-password" required name="password" visibilityToggleButtonProps={{ "aria-label": t("signIn.show") }} />
              <Button type="submit" loading={busy} fullWidth>{t("signIn.submit")}</Button>
            </Stack>
          </form>
          <Group justify="space-between">
            <Text size="xs" c="dimmed">{t("signIn.help")}</Text>
            <Button variant="subtle" size="compact-xs" onClick={() => setLanguage(language === "en" ? "nl" : "en")}>{language === "en" ? "Nederlands" : "English"}</Button>
          </Group>
        </Stack>
      </Card>
    </Center>
  );
}
