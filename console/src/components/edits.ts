// What somebody has typed and not saved: which forms differ from what is stored, and in which dialog each stands.
import { createContext, useCallback, useContext, useEffect, useId, useState } from "react";
import { store } from "./store";

/** The dialogs of the forms that have been changed, by form. */
const edited = store<ReadonlyMap<string, string>>(new Map());

function mark(form: string, dialog: string, on: boolean) {
  const before = edited.get();
  if (before.has(form) === on) return;
  const next = new Map(before);
  if (on) next.set(form, dialog);
  else next.delete(form);
  edited.set(next);
}

/** The dialog that a form stands in; empty for one of the page. */
export const InDialog = createContext("");

export const edits = {
  /** Whether any form, or one of the dialog, has been changed. */
  any: (dialog?: string) =>
    dialog === undefined ? edited.get().size > 0 : [...edited.get().values()].includes(dialog),
  /** All are to be dropped. */
  forget: () => edited.set(new Map()),
  subscribe: edited.subscribe,
};

/** Say whether a form differs from what is saved: closing its dialog, leaving its page and closing the tab then ask
 * first. The function returned says that it has just been saved. */
export function useUnsaved(differs: boolean): () => void {
  const form = useId();
  const dialog = useContext(InDialog);
  useEffect(() => {
    mark(form, dialog, differs);
    return () => mark(form, dialog, false);
  }, [form, dialog, differs]);
  return useCallback(() => mark(form, dialog, false), [form, dialog]);
}

interface Draft<T> {
  of: T;
  /** What was stored when the draft was saved, until the new value has been read. */
  over?: { stored: T };
}

/** A stored value in a form: as it is stored until somebody changes it; from then on what they made of it, whatever
 * becomes of the stored one meanwhile. The last function says that it has just been saved. */
export function useDraft<T>(stored: T): [T, (value: T) => void, () => void] {
  const [draft, setDraft] = useState<Draft<T> | null>(null);
  const own = draft !== null && (!draft.over || same(draft.over.stored, stored)) ? draft : null;
  const forget = useUnsaved(own !== null && !own.over && !same(own.of, stored));
  const saved = () => {
    forget();
    setDraft(own && { of: own.of, over: { stored } });
  };
  return [own ? own.of : stored, (value) => setDraft({ of: value }), saved];
}

/** Whether two values, such as a form's and the stored ones, say the same. */
export function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
