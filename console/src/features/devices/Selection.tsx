// What can be done with the devices that are selected, or with all that the filters find.
import { Button, Text } from "@mantine/core";
import { IconEdit, IconTrash } from "@tabler/icons-react";
import { IfMayChange } from "../../components/basics";
import { useConfirm } from "../../components/notify";
import { openDialog } from "../../components/dialogs";
import { useT } from "../../text";
import type { Target } from "./api";
import { BulkDelete, BulkEdit } from "./Bulk";

interface Props {
  target: Target;
  onDone: () => void;
}

export function Selection({ target, onDone }: Props) {
  const t = useT();
  const confirm = useConfirm();
  const { count, more } = countOf(target);
  if (!count) return null;
  const remove = () =>
    confirm(t("devices.deleteTitle", { count, more }), t("devices.deleteText"), t("common.delete"), () =>
      openDialog(t("devices.deleting"), <BulkDelete target={target} onDone={onDone} />, { busy: true }),
    );
  const edit = () => openDialog(t("devices.editTitle", { count, more }), <BulkEdit target={target} onDone={onDone} />);
  return (
    <IfMayChange>
      <Text size="sm">{t("devices.selected", { count, more })}</Text>
      <Button size="xs" variant="default" leftSection={<IconEdit size={14} />} aria-haspopup="dialog" onClick={edit}>
        {t("common.edit")}
      </Button>
      <Button
        size="xs"
        color="red"
        variant="light"
        leftSection={<IconTrash size={14} />}
        aria-haspopup="dialog"
        onClick={remove}
      >
        {t("common.delete")}
      </Button>
    </IfMayChange>
  );
}

/** How many devices; `more` where there are more than could be counted. */
export function countOf(target: Target): { count: number; more: boolean } {
  return "refs" in target ? { count: target.refs.length, more: false } : { count: target.total, more: target.more };
}
