// Which columns a list of devices shows.
import { ActionIcon, Menu, Text, Tooltip } from "@mantine/core";
import { IconColumns } from "@tabler/icons-react";
import { usePreferences } from "../../api/preferences";
import type { Column } from "../../components/DataTable";
import { useT } from "../../text";
import type { Device } from "./model";

export function ColumnsMenu({ columns, hidden }: { columns: Column<Device>[]; hidden: string[] }) {
  const t = useT();
  const [, setPreferences] = usePreferences();
  const turn = (key: string) =>
    setPreferences(({ deviceColumns = hidden }) => ({
      deviceColumns: deviceColumns.includes(key)
        ? deviceColumns.filter((other) => other !== key)
        : [...deviceColumns, key],
    }));
  return (
    <Menu closeOnItemClick={false} withArrow>
      <Menu.Target>
        <Tooltip label={t("devices.columns")}>
          <ActionIcon variant="subtle" color="gray" aria-label={t("devices.columns")}>
            <IconColumns size={18} />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>
        {columns.map((column) => (
          <Menu.Item
            key={column.key}
            role="menuitemcheckbox"
            aria-checked={!hidden.includes(column.key)}
            leftSection={<Text w={14}>{hidden.includes(column.key) ? "" : "✓"}</Text>}
            onClick={() => turn(column.key)}
          >
            {column.title}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
