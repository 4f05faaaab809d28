// Says of what is suspended that it is.
import { Badge } from "@mantine/core";
import { useT } from "../text";

export function Suspended({ of }: { of: { suspended?: boolean } }) {
  const t = useT();
  return of.suspended ? (
    <Badge color="orange" variant="light" style={{ color: "var(--mantine-color-text)" }}>
      {t("offers.suspended")}
    </Badge>
  ) : null;
}
