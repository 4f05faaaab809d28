// A figure that leads to the screen behind it.
import { Group, Text, ThemeIcon } from "@mantine/core";
import type { Icon } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { PlainPath } from "../navigation";
import { CardLink } from "./links";

interface Props {
  icon: Icon;
  label: string;
  value: ReactNode;
  note?: ReactNode;
  to: PlainPath;
  color?: string;
}

export function Stat({ icon: IconOf, label, value, note, to, color = "veld" }: Props) {
  return (
    <CardLink withBorder to={to} style={{ textDecoration: "none", color: "inherit" }} padding="md">
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <div>
          <Text size="sm" c="dimmed">
            {label}
          </Text>
          <Text fw={700} fz={28} lh={1.2}>
            {value}
          </Text>
          <Text size="xs" c="dimmed">
            {note}
          </Text>
        </div>
        <ThemeIcon variant="light" color={color} size="lg">
          <IconOf size={20} stroke={1.7} />
        </ThemeIcon>
      </Group>
    </CardLink>
  );
}
