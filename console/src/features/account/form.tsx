// Forms of those who sign in or prove who they are: sent once at a time, and why not where it fails.
import { Alert } from "@mantine/core";
import { useState, type FormEvent } from "react";
import { messageOf } from "../../components/problem";
import { useT, type Translate } from "../../text";

/** Why it was not done; nothing while there is no reason. */
export function Wrong({ text }: { text: string | null }) {
  return text ? (
    <Alert color="red" role="alert">
      {text}
    </Alert>
  ) : null;
}

/** A form that is done once `work` is; until then it can be tried again. */
export function useForm(work: () => Promise<unknown>, inWords: (error: unknown, t: Translate) => string = messageOf) {
  const t = useT();
  const [state, setState] = useState<"open" | "busy" | "done">("open");
  const [problem, setProblem] = useState<string | null>(null);
  const send = async () => {
    setState("busy");
    setProblem(null);
    try {
      await work();
      setState("done");
    } catch (error) {
      setProblem(inWords(error, t));
      setState("open");
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void send();
  };
  return { state, problem, submit };
}
