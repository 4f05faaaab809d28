// The progress of a campaign as a bar, and in words.
import { Group, Progress, Text } from "@mantine/core";
import { number } from "../../format";
import { useT } from "../../text";
import type { Campaign } from "./api";
import { colours, counts, outcomeTexts } from "./progress";

const order = ["done", "underWay", "failed"] as const;

export function Bar({ campaign, size = "md" }: { campaign: Campaign; size?: string }) {
  const t = useT();
  const found = counts(campaign.devices);
  const said = t("campaigns.progress", { done: number(found.done), all: number(found.all) });
  return (
    <Progress.Root size={size} aria-label={said} style={{ minWidth: 120 }}>
      {order.map((outcome) => (
        <Progress.Section
          key={outcome}
          value={found.all ? (100 * found[outcome]) / found.all : 0}
          color={colours[outcome]}
          aria-label={t(outcomeTexts[outcome])}
        />
      ))}
    </Progress.Root>
  );
}

export function Legend({ campaign }: { campaign: Campaign }) {
  const t = useT();
  const found = counts(campaign.devices);
  return (
    <Group gap="md" mt="xs">
      {([...order, "waiting"] as const).map((outcome) => (
        <Text key={outcome} size="sm">
          {t(outcomeTexts[outcome])}: {number(found[outcome])}
        </Text>
      ))}
    </Group>
  );
}
