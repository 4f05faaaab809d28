// What the server found out of a device or a frame, and what to do next.
import { Group, Stack, Text, ThemeIcon } from "@mantine/core";
import { IconAlertTriangle, IconCheck, IconInfoCircle } from "@tabler/icons-react";
import type { Schemas } from "../api/client";
import { useT } from "../text";

const looks = {
  ok: { icon: IconCheck, color: "veld" },
  note: { icon: IconInfoCircle, color: "blue" },
  problem: { icon: IconAlertTriangle, color: "red" },
} as const;

export function Findings({ findings }: { findings: readonly Schemas["Finding"][] }) {
  const t = useT();
  return (
    <Stack gap="sm">
      {findings.map((finding, index) => {
        const { icon: Icon, color } = looks[finding.level] ?? looks.note;
        return (
          <Group key={index} wrap="nowrap" align="flex-start" gap="sm">
            <ThemeIcon variant="light" color={color} size="sm" mt={1}>
              <Icon size={14} />
            </ThemeIcon>
            <div>
              <Text size="sm">{finding.text}</Text>
              {finding.next && (
                <Text size="sm" c="dimmed">
                  <Text span fw={600} inherit>
                    {t("device.next")}
                  </Text>{" "}
                  {finding.next}
                </Text>
              )}
            </div>
          </Group>
        );
      })}
    </Stack>
  );
}
