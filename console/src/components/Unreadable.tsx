// Says of what is stored and cannot be read why that is.
import { Text } from "@mantine/core";
import { useT } from "../text";

export function Unreadable({ of }: { of: { problem?: string | null } }) {
  const t = useT();
  return of.problem ? (
    <Text size="xs" className="poor">
      {t("common.unreadable", { problem: of.problem })}
    </Text>
  ) : null;
}
