// What can be done with the devices that are selected.
import { Button, Text } from "@mantine/core";
import { IconEdit, IconTrash } from "@tabler/icons-react";
import { IfMayChange } from "../../components/basics";
import { useConfirm, useTell } from "../../components/notify";
import { openForm } from "../../components/unsaved";
import { useT } from "../../text";
import { useChangeDevices } from "./api";
import { BulkEdit, tellBulk } from "./Bulk";

export function Selection({ refs, onDone }: { refs: string[]; onDone: () => void }) {
  const t = useT();
  const confirm = useConfirm();
  const { run } = useTell();
  const bulk = useChangeDevices();
  const remove = () =>
    confirm(
      t("devices.deleteTitle", { count: refs.length }),
      t("devices.deleteText"),
      t("common.delete"),
      () =>
        void run(bulk.mutateAsync({ action: "delete", refs })).then((answer) => {
          if (answer?.data) tellBulk(t, answer.data);
          onDone();
        }),
    );
  const edit = () => openForm(t("devices.editTitle", { count: refs.length }), <BulkEdit refs={refs} onDone={onDone} />);
  if (!refs.length) return null;
  return (
    <IfMayChange>
      <Text size="sm">{t("table.selected", { count: refs.length })}</Text>
      <Button size="xs" variant="default" leftSection={<IconEdit size={14} />} onClick={edit}>
        {t("common.edit")}
      </Button>
      <Button size="xs" color="red" variant="light" leftSection={<IconTrash size={14} />} onClick={remove}>
        {t("common.delete")}
      </Button>
    </IfMayChange>
  );
}
