// Filters that somebody comes back to: kept by the server for each user.
import { Button, Group, Menu } from "@mantine/core";
import { IconBookmark, IconPlus, IconX } from "@tabler/icons-react";
import type { SavedView } from "../api/preferences";
import { openDialog } from "./dialogs";
import { useT } from "../text";
import { SaveView } from "./SaveView";

export interface ViewsMenuProps<Search> {
  kept: SavedView<Search>[];
  current: Search;
  onOpen: (search: Search) => void;
  onKeep: (change: (before: SavedView<Search>[]) => SavedView<Search>[]) => void;
}

export function ViewsMenu<Search>({ kept, current, onOpen, onKeep }: ViewsMenuProps<Search>) {
  const t = useT();
  const save = () =>
    openDialog(
      t("views.save"),
      <SaveView
        onSave={(name) =>
          onKeep((before) => [...before.filter((view) => view.name !== name), { name, search: current }])
        }
      />,
    );
  return (
    <Menu withArrow position="bottom-end">
      <Menu.Target>
        <Button variant="default" leftSection={<IconBookmark size={16} />}>
          {t("views.title")}
        </Button>
      </Menu.Target>
      <Menu.Dropdown maw="min(26rem, calc(100vw - 2rem))">
        {kept.map((view) => (
          <Group key={view.name} gap={0} wrap="nowrap" role="none">
            <Menu.Item onClick={() => onOpen(view.search)} style={{ overflowWrap: "anywhere" }}>
              {view.name}
            </Menu.Item>
            <Menu.Item
              w="auto"
              closeMenuOnClick={false}
              aria-label={t("views.delete", { name: view.name })}
              onClick={() => onKeep((before) => before.filter((other) => other.name !== view.name))}
            >
              <IconX size={14} />
            </Menu.Item>
          </Group>
        ))}
        {!kept.length && <Menu.Label>{t("views.empty")}</Menu.Label>}
        <Menu.Divider />
        <Menu.Item leftSection={<IconPlus size={14} />} aria-haspopup="dialog" onClick={save}>
          {t("views.save")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
