// What stands around the forms of those who are not signed in.
import { Alert, Box, Button, Card, Center, Group, Stack, Text, Title } from "@mantine/core";
import { useEffect, type ReactNode } from "react";
import { branding, logo, setTitle } from "../../branding";
import { useSession } from "../../session";
import { useTexts } from "../../text";

export function Outside({ title, help, children }: { title: string; help?: string; children: ReactNode }) {
  const { reachable } = useSession();
  const { t, language, setLanguage } = useTexts();
  useEffect(() => {
    setTitle(title);
  }, [title]);
  return (
    <Center
      component="main"
      mih="100vh"
      p="md"
      style={{ background: "linear-gradient(160deg, var(--mantine-color-veld-light), transparent 60%)" }}
    >
      <Card withBorder shadow="sm" p="xl" w={400} maw="100%">
        <Stack gap="lg">
          <Group gap="sm" wrap="nowrap">
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
          {children}
          <Group justify="space-between" wrap="nowrap">
            <Text size="xs" c="dimmed">
              {help}
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
