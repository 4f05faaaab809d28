// Forms that somebody has changed and not saved: leaving the page asks first, closing the tab too.
import { useBlocker } from "@tanstack/react-router";
import { useSyncExternalStore } from "react";
import { useT } from "../text";
import { closeDialogs, LeaveQuestion } from "./dialogs";
import { edits } from "./edits";
import { store } from "./store";

interface Place {
  pathname: string;
  search: unknown;
}

/** What of an address decides which forms are shown; the rest of it are filters, which close none. */
function form({ pathname, search }: Place): string {
  const { tab, step } = search as Record<string, unknown>;
  return JSON.stringify([pathname, tab, step]);
}

/** What is to be done once it is sure that forms may be dropped. */
const wanted = store<(() => void) | null>(null);

/** Do what drops forms, after a question where one has been changed. */
export function leaveForms(leave: () => void): void {
  if (edits.any()) wanted.set(leave);
  else leave();
}

/** Once, in what surrounds all pages. */
export function UnsavedGuard() {
  const t = useT();
  const any = useSyncExternalStore(edits.subscribe, () => edits.any());
  const leave = useSyncExternalStore(wanted.subscribe, wanted.get);
  const leaves = ({ current, next }: { current: Place; next: Place }) => edits.any() && form(current) !== form(next);
  const { status, proceed, reset } = useBlocker({
    shouldBlockFn: leaves,
    enableBeforeUnload: () => edits.any(),
    disabled: !any,
    withResolver: true,
  });
  const blocked = status === "blocked";
  return (
    <LeaveQuestion
      opened={blocked || leave !== null}
      title={t("unsaved.title")}
      text={t("unsaved.text")}
      stay={t("unsaved.stay")}
      leave={t("unsaved.leave")}
      onStay={() => {
        wanted.set(null);
        if (blocked) reset();
      }}
      onLeave={() => {
        wanted.set(null);
        closeDialogs();
        if (blocked) return proceed();
        edits.forget();
        leave?.();
      }}
    />
  );
}
