// Which page of a long list is shown.
import { Group, Pagination, Text } from "@mantine/core";
import { number } from "../format";
import { useT } from "../text";

interface Props {
  page: number;
  size: number;
  total: number;
  /** There are more than were counted. */
  more?: boolean;
  onPage: (page: number) => void;
}

export function Pages({ page, size, total, more = false, onPage }: Props) {
  const t = useT();
  if (total <= size) return null;
  return (
    <Group justify="space-between">
      <Text size="sm" c="dimmed">
        {t("table.range", {
          from: number((page - 1) * size + 1),
          to: number(Math.min(page * size, total)),
          total: `${number(total)}${more ? "+" : ""}`,
        })}
      </Text>
      <Pagination
        total={Math.ceil(total / size)}
        value={page}
        onChange={onPage}
        siblings={1}
        getControlProps={(control) => ({ "aria-label": t(`table.${control}`) })}
        getItemProps={(item) => ({ "aria-label": t("table.page", { page: item }) })}
      />
    </Group>
  );
}
