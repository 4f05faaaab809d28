// A test message over a connection, and what the other side said.
import { Badge, Button, Code, Group, Stack, Text } from "@mantine/core";
import { IconTestPipe } from "@tabler/icons-react";
import { useState } from "react";
import { useTell } from "../../components/notify";
import { useT } from "../../text";
import { useTryConnection, type Trial } from "./api";

export function ConnectionTrial({ connectionRef }: { connectionRef: string }) {
  const t = useT();
  const { run } = useTell();
  const [result, setResult] = useState<Trial | null>(null);
  const trial = useTryConnection(connectionRef);
  const send = async () => setResult((await run(trial.mutateAsync(undefined)))?.data ?? null);
  return (
    <Stack>
      <Text size="sm">{t("flows.testText")}</Text>
      <Button leftSection={<IconTestPipe size={16} />} loading={trial.isPending} onClick={() => void send()}>
        {t("flows.testSend")}
      </Button>
      <div aria-live="polite">{result && <Answer result={result} />}</div>
    </Stack>
  );
}

function Answer({ result }: { result: Trial }) {
  const t = useT();
  return (
    <Stack gap={4} data-testid="trial">
      <Group gap={8}>
        <Badge color={result.delivered ? "veld" : "red"} variant="light">
          {t(result.delivered ? "flows.testDelivered" : "flows.testFailed")}
        </Badge>
        <Text size="sm" style={{ wordBreak: "break-all" }}>
          {result.address} · {result.ms} ms
        </Text>
      </Group>
      {result.error && (
        <Text size="sm" className="poor">
          {result.error}
        </Text>
      )}
      {result.answer && (
        <Code block style={{ whiteSpace: "pre-wrap" }}>
          {result.answer}
        </Code>
      )}
    </Stack>
  );
}
