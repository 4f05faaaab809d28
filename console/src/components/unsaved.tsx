// Forms that somebody has changed and not saved: leaving the page asks first, closing the tab too.
import { Button, Group, Modal, Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { useBlocker } from "@tanstack/react-router";
import { useCallback, useEffect, useId, useSyncExternalStore, type ReactNode } from "react";
import { useT } from "../text";

const changed = new Set<string>();
const listeners = new Set<() => void>();

function mark(id: string, on: boolean) {
  if (changed.has(id) === on) return;
  if (on) changed.add(id);
  else changed.delete(id);
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Say whether a form differs from what is saved. The function returned says that it has just been saved. */
export function useUnsaved(differs: boolean): () => void {
  const id = useId();
  useEffect(() => {
    mark(id, differs);
    return () => mark(id, false);
  }, [id, differs]);
  return useCallback(() => mark(id, false), [id]);
}

/** Whether two values, such as a form's and the stored ones, say the same. */
export function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** A form in a dialog: a click beside it does not close it. */
export function openForm(title: ReactNode, children: ReactNode, size?: string): void {
  modals.open({ title, children, size, closeOnClickOutside: false });
}

/** Do what drops forms, after a question where one has been changed. */
export function useLeave(): (leave: () => void) => void {
  const t = useT();
  return (leave) => {
    if (!changed.size) return leave();
    modals.openConfirmModal({
      title: t("unsaved.title"),
      children: <Text size="sm">{t("unsaved.text")}</Text>,
      labels: { confirm: t("unsaved.leave"), cancel: t("unsaved.stay") },
      confirmProps: { color: "red.9" },
      onConfirm: () => {
        for (const id of [...changed]) mark(id, false);
        leave();
      },
    });
  };
}

interface Place {
  pathname: string;
  search: unknown;
}

function tab({ search }: Place): unknown {
  return (search as Record<string, unknown>).tab;
}

/** Once, in what surrounds all pages. */
export function UnsavedGuard() {
  const t = useT();
  const any = useSyncExternalStore(subscribe, () => changed.size > 0);
  // Filters are in the address too; they do not close a form.
  const leaves = ({ current, next }: { current: Place; next: Place }) =>
    changed.size > 0 && (current.pathname !== next.pathname || tab(current) !== tab(next));
  const { status, proceed, reset } = useBlocker({
    shouldBlockFn: leaves,
    enableBeforeUnload: () => changed.size > 0,
    disabled: !any,
    withResolver: true,
  });
  return (
    <Modal
      opened={status === "blocked"}
      onClose={() => reset?.()}
      title={t("unsaved.title")}
      zIndex={500}
      closeButtonProps={{ "aria-label": t("common.close") }}
    >
      <Text size="sm">{t("unsaved.text")}</Text>
      <Group justify="flex-end" mt="md">
        <Button variant="default" onClick={() => reset?.()} data-autofocus>
          {t("unsaved.stay")}
        </Button>
        <Button
          color="red.9"
          onClick={() => {
            modals.closeAll();
            proceed?.();
          }}
        >
          {t("unsaved.leave")}
        </Button>
      </Group>
    </Modal>
  );
}
