// Buttons for what can be done with something, where that opens a form or a question first.
import { Button, type ButtonProps } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useT } from "../text";

interface ActionProps extends ButtonProps {
  onClick: () => void;
  children: ReactNode;
  "aria-label"?: string;
}

export function DialogButton(props: ActionProps) {
  return <Button aria-haspopup="dialog" {...props} />;
}

/** Beside a row or the title of a panel. */
export function RowButton(props: ActionProps) {
  return <DialogButton size="compact-sm" variant="default" {...props} />;
}

/** Beside a row, for what cannot be undone. */
export function RowRemoval(props: ActionProps) {
  return <DialogButton size="compact-sm" variant="subtle" color="red" {...props} />;
}

/** In the heading of a page: a form for one more of what it lists. */
export function NewButton(props: ActionProps) {
  return <DialogButton leftSection={<IconPlus size={16} />} {...props} />;
}

/** In the heading of a page: the thing it shows goes. */
export function DeleteButton({ onClick }: { onClick: () => void }) {
  const t = useT();
  return (
    <DialogButton variant="subtle" color="red" leftSection={<IconTrash size={16} />} onClick={onClick}>
      {t("common.delete")}
    </DialogButton>
  );
}
