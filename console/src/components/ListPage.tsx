// A screen of a long list that the server filters: views to come back to, an export, filters, and the rows.
import { ActionIcon, Button, Group, Tooltip } from "@mantine/core";
import { IconDownload, IconX } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { download } from "../api/client";
import { useT } from "../text";
import { PageTitle } from "./basics";
import { useTell } from "./notify";
import { ViewsMenu, type ViewsMenuProps } from "./ViewsMenu";

interface Props<Search> {
  title: string;
  below?: ReactNode;
  /** Stands before the views: what goes on at the moment. */
  signs?: ReactNode;
  views: ViewsMenuProps<Search>;
  exported: { label: string; path: string; file: string };
  /** Stands after the export: what can be made. */
  actions?: ReactNode;
  filters: ReactNode;
  /** Takes all filters away; absent where there are none. */
  onClear?: () => void;
  children: ReactNode;
}

export function ListPage<Search>({
  title,
  below,
  signs,
  views,
  exported,
  actions,
  filters,
  onClear,
  children,
}: Props<Search>) {
  const t = useT();
  const { run } = useTell();
  return (
    <>
      <PageTitle title={title} below={below}>
        {signs}
        <ViewsMenu {...views} />
        <Tooltip label={exported.label}>
          <ActionIcon
            variant="default"
            size={36}
            aria-label={exported.label}
            onClick={() => void run(download(exported.path, exported.file))}
          >
            <IconDownload size={16} />
          </ActionIcon>
        </Tooltip>
        {actions}
      </PageTitle>
      <Group gap="xs" mb="sm" align="flex-end" role="search" aria-label={t("common.filters")}>
        {filters}
        {onClear && (
          <Button variant="subtle" color="gray" leftSection={<IconX size={14} />} onClick={onClear}>
            {t("common.clear")}
          </Button>
        )}
      </Group>
      {children}
    </>
  );
}
