// What a dialog holds, saved.
import { closeDialogs } from "./dialogs";
import { useUnsaved } from "./edits";
import { useTell } from "./notify";

/** A function that saves what a dialog holds, tells of either end, and closes it where that worked; it returns what
 * `run` of `useTell` does. `differs` says whether there is something that is not saved. */
export function useSaving(differs: boolean) {
  const { run } = useTell();
  const saved = useUnsaved(differs);
  return async <T>(work: Promise<T>, success?: string): Promise<T | undefined> => {
    const answer = await run(work, success);
    if (answer) {
      saved();
      closeDialogs();
    }
    return answer;
  };
}
