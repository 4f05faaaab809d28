// A test message along the routes of a profile, and what the servers answered.
import { Badge, Button, Code, Group, Stack, Text } from "@mantine/core";
import { IconTestPipe } from "@tabler/icons-react";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { Panel } from "../../components/basics";
import { useTell } from "../../components/notify";
import { useT, type Key } from "../../text";
import { useTryProfile } from "./api";

export function Trial({ profileRef }: { profileRef: string }) {
  const t = useT();
  const { run } = useTell();
  const [results, setResults] = useState<Schemas["RouteTrialView"][] | null>(null);
  const trial = useTryProfile(profileRef);
  const send = async () => {
    const answer = await run(trial.mutateAsync());
    setResults(answer?.data ?? null);
  };
  return (
    <Panel
      title={t("trial.title")}
      right={
        <Button
          size="xs"
          leftSection={<IconTestPipe size={14} />}
          onClick={() => void send()}
          loading={trial.isPending}
        >
          {t("trial.send")}
        </Button>
      }
    >
      <Text size="sm" c="dimmed">
        {t("trial.text")}
      </Text>
      {results?.map((route) =>
        route.answers.map((answer, index) => <Answer key={`${route.route}-${index}`} route={route} answer={answer} />),
      )}
      {results && !results.some((route) => route.answers.length) && (
        <Text size="sm" mt="sm">
          {t("trial.nothing")}
        </Text>
      )}
    </Panel>
  );
}

type RouteTrial = Schemas["RouteTrialView"];

function Answer({ route, answer }: { route: RouteTrial; answer: RouteTrial["answers"][number] }) {
  const t = useT();
  return (
    <Stack gap={4} mt="sm" data-testid="trial">
      <Group gap={8}>
        <Badge color={answer.delivered ? "veld" : "red"} variant="light">
          {t(`delivery.${answer.status}` as Key)}
        </Badge>
        <Text size="sm" style={{ wordBreak: "break-all" }}>
          {answer.url}
        </Text>
        <Text size="xs" c="dimmed">
          {t(route.signed ? "trial.signed" : "trial.unsigned")} · {route.ms} ms
        </Text>
      </Group>
      {answer.error && (
        <Text size="sm" className="poor">
          {answer.error}
        </Text>
      )}
      {answer.answer && (
        <Code block style={{ whiteSpace: "pre-wrap" }}>
          {answer.answer}
        </Code>
      )}
    </Stack>
  );
}
