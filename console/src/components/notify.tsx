// What became of an action, and questions before those that cannot be undone.
import { notifications } from "@mantine/notifications";
import { IconAlertTriangle, IconCheck, IconX } from "@tabler/icons-react";
import { useCallback } from "react";
import { translate, useT } from "../text";
import { openQuestion } from "./dialogs";
import { messageOf } from "./problem";

// Errors that are shown: what worked since has made them old.
const problems = new Set<string>();

/** `whole` is false where a part failed. */
export function done(message: string, whole = true): void {
  for (const id of problems) notifications.hide(id);
  problems.clear();
  notifications.show({
    message,
    color: whole ? "veld" : "orange",
    icon: whole ? <IconCheck size={18} /> : <IconAlertTriangle size={18} />,
    autoClose: 4000,
    closeButtonProps: { "aria-label": translate("common.close") },
  });
}

/** A function that tells of an error, and one that runs something and tells of either end. */
export function useTell() {
  const t = useT();
  const failed = useCallback(
    (error: unknown) => {
      const shown = notifications.show({
        title: t("common.problem"),
        message: messageOf(error, t),
        color: "red",
        icon: <IconX size={18} />,
        autoClose: 12_000,
        closeButtonProps: { "aria-label": t("common.close") },
      });
      problems.add(shown);
    },
    [t],
  );
  const run = useCallback(
    async <T,>(work: Promise<T>, success?: string): Promise<T | undefined> => {
      try {
        const result = await work;
        if (success) done(success);
        return result;
      } catch (error) {
        failed(error);
        return undefined;
      }
    },
    [failed],
  );
  return { failed, run };
}

export function useConfirm() {
  const t = useT();
  return (title: string, text: string, action: string, onConfirm: () => void) =>
    openQuestion(title, text, [t("common.cancel"), action], onConfirm);
}
