// Dialogs: one closes at once unless something was typed into it and not saved; then it asks first, whichever way it is
// closed. Of several on top of each other the keys go to the uppermost. Where the focus was, it returns.
import { Button, Drawer, Group, Modal, Text, type DrawerProps, type ModalProps } from "@mantine/core";
import { useLocation } from "@tanstack/react-router";
import { useEffect, useId, useLayoutEffect, useState, useSyncExternalStore, type ReactNode } from "react";
import { useT } from "../text";
import { edits, InDialog } from "./edits";
import { store } from "./store";

/** All that lies over the page, the uppermost last. */
const layers = store<readonly string[]>([]);

/** Whether this is the uppermost of what lies over the page, and how much lies below it. */
export function useLayer(opened: boolean): { top: boolean; depth: number } {
  const id = useId();
  const all = useSyncExternalStore(layers.subscribe, layers.get);
  useLayoutEffect(() => {
    if (!opened) return;
    layers.set([...layers.get(), id]);
    return () => layers.set(layers.get().filter((one) => one !== id));
  }, [opened, id]);
  return { top: all[all.length - 1] === id, depth: Math.max(all.indexOf(id), 0) };
}

/** Where the focus was when the last dialog was opened, and where it was before the one that it was opened from. */
let returns: HTMLElement[] = [];

/** What has the focus; for an item of a menu, which closes, the button that opened the menu. */
function opener(): HTMLElement[] {
  const focused = document.activeElement;
  if (!(focused instanceof HTMLElement) || focused === document.body) return returns;
  const menu = focused.closest("[role=menu]");
  const button = menu && document.getElementById(menu.getAttribute("aria-labelledby") ?? "");
  return [button ?? focused, ...(focused.closest("[role=dialog]") ? returns : [])];
}

/** Gives the focus back to what had it before, unless something else has taken it. `from` is that, where it is known:
 * an item of a menu may be gone by the time that the dialog is drawn. */
function useFocusBack(opened: boolean, from?: HTMLElement[]): void {
  useLayoutEffect(() => {
    if (!opened) return;
    const before = from ?? opener();
    returns = before;
    return () => {
      const had = document.activeElement;
      // After the dialog has gone, and with it the trap that keeps the focus.
      setTimeout(() => {
        const now = document.activeElement;
        if (now === had || now === document.body) before.find((one) => one.isConnected)?.focus();
      });
    };
  }, [opened, from]);
}

interface Guarded {
  opened: boolean;
  from?: HTMLElement[];
  onClose: () => void;
}

/** What every dialog does alike. */
function useDialog({ opened, onClose, from }: Guarded) {
  const t = useT();
  const id = useId();
  const { top, depth } = useLayer(opened);
  const [asking, setAsking] = useState(false);
  useFocusBack(opened, from);
  useEffect(() => {
    if (!opened) setAsking(false);
  }, [opened]);
  const question = (
    <LeaveQuestion
      opened={opened && asking}
      title={t("unsaved.closeTitle")}
      text={t("unsaved.closeText")}
      stay={t("unsaved.keep")}
      leave={t("unsaved.discard")}
      onStay={() => setAsking(false)}
      onLeave={() => {
        setAsking(false);
        onClose();
      }}
    />
  );
  const props = {
    opened,
    onClose: () => (edits.any(id) ? setAsking(true) : onClose()),
    returnFocus: false,
    zIndex: 201 + depth,
    closeButtonProps: { "aria-label": t("common.close") },
  };
  return { id, top, question, props };
}

export function Dialog({ children, closeOnEscape = true, from, ...given }: ModalProps & Pick<Guarded, "from">) {
  const { id, top, question, props } = useDialog({ ...given, from });
  return (
    <>
      {given.opened && (
        <Modal {...given} {...props} closeOnEscape={top && closeOnEscape}>
          <InDialog value={id}>{children}</InDialog>
        </Modal>
      )}
      {question}
    </>
  );
}

/** At the side of the page. */
export function SideDialog({ children, ...given }: DrawerProps) {
  const { id, top, question, props } = useDialog(given);
  return (
    <>
      {given.opened && (
        <Drawer {...given} {...props} position="right" closeOnEscape={top}>
          <InDialog value={id}>{children}</InDialog>
        </Drawer>
      )}
      {question}
    </>
  );
}

interface LeaveProps {
  title: string;
  text: string;
  stay: string;
  leave: string;
  onStay: () => void;
  onLeave: () => void;
}

/** Whether what was typed is to be dropped. It is there only while it is asked: one that had been there before would
 * be given the key that opens it, too, and close again. */
export function LeaveQuestion({ opened, ...props }: LeaveProps & { opened: boolean }) {
  return opened ? <Question {...props} /> : null;
}

function Question({ title, text, stay, leave, onStay, onLeave }: LeaveProps) {
  const t = useT();
  const { top } = useLayer(true);
  useFocusBack(true);
  return (
    <Modal
      opened
      onClose={onStay}
      title={title}
      zIndex={500}
      closeOnEscape={top}
      returnFocus={false}
      closeButtonProps={{ "aria-label": t("common.close") }}
    >
      <Text size="sm">{text}</Text>
      <Group justify="flex-end" mt="md">
        <Button variant="default" onClick={onStay} data-autofocus>
          {stay}
        </Button>
        <Button color="red.9" onClick={onLeave}>
          {leave}
        </Button>
      </Group>
    </Modal>
  );
}

interface Opened {
  id: number;
  from: HTMLElement[];
  title: ReactNode;
  children: ReactNode;
  size?: string;
  /** It ends by itself, and cannot be closed before. */
  busy?: boolean;
}

const open = store<readonly Opened[]>([]);
let last = 0;

/** Opens a dialog over what is there. The function returned closes it. */
export function openDialog(
  title: ReactNode,
  children: ReactNode,
  options: Pick<Opened, "size" | "busy"> = {},
): () => void {
  const id = ++last;
  open.set([...open.get(), { id, from: opener(), title, children, ...options }]);
  return () => open.set(open.get().filter((one) => one.id !== id));
}

/** Closes all that `openDialog` has opened, without a question: what was typed there has been dealt with. */
export function closeDialogs(): void {
  if (open.get().length) open.set([]);
}

/** A question before what cannot be undone. */
export function openQuestion(title: string, text: string, labels: [cancel: string, action: string], act: () => void) {
  const close = openDialog(
    title,
    <>
      <Text size="sm">{text}</Text>
      <Group justify="flex-end" mt="md">
        <Button variant="default" onClick={() => close()} data-autofocus>
          {labels[0]}
        </Button>
        <Button
          color="red.9"
          onClick={() => {
            close();
            act();
          }}
        >
          {labels[1]}
        </Button>
      </Group>
    </>,
  );
}

/** Once, within what surrounds all pages: where opened dialogs are shown. They belong to the page they were opened on. */
export function Dialogs() {
  const shown = useSyncExternalStore(open.subscribe, open.get);
  const { pathname } = useLocation();
  useEffect(() => closeDialogs, [pathname]);
  return shown.map(({ id, from, title, children, size, busy }) => (
    <Dialog
      key={id}
      opened
      from={from}
      title={title}
      size={size}
      onClose={() => open.set(open.get().filter((one) => one.id !== id))}
      closeOnClickOutside={!busy}
      closeOnEscape={!busy}
      withCloseButton={!busy}
    >
      {children}
    </Dialog>
  ));
}
