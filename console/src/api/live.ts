// Server-sent events over fetch, for EventSource cannot send headers. The connection is opened again when it breaks.
import { createParser } from "eventsource-parser";
import { headers, link, reach, refusalOf, type ApiError } from "./client";

export interface LiveEvent {
  event: string;
  data: string;
}

export interface Watcher {
  onEvent: (event: LiveEvent) => void;
  onState: (state: "connecting" | "live" | "lost", error?: ApiError) => void;
}

const longestWait = 15_000;
/** Longer than the server's signs of life are apart. */
const silence = 40_000;

/** Follow a stream until the returned function is called. */
export function follow(path: string, watcher: Watcher): () => void {
  const stopped = new AbortController();
  void (async () => {
    let wait = 1000;
    while (!stopped.signal.aborted) {
      watcher.onState("connecting");
      try {
        await once(path, watcher, stopped.signal, () => (wait = 1000));
      } catch (error) {
        if (stopped.signal.aborted) return;
        const refused = error as ApiError;
        watcher.onState("lost", typeof refused.status === "number" ? refused : undefined);
      }
      if (stopped.signal.aborted) return;
      await new Promise((resolve) => setTimeout(resolve, wait));
      wait = Math.min(wait * 2, longestWait);
    }
  })();
  return () => stopped.abort();
}

async function once(path: string, watcher: Watcher, stopped: AbortSignal, begun: () => void): Promise<void> {
  const connection = new AbortController();
  const stop = () => connection.abort();
  stopped.addEventListener("abort", stop);
  let timer = setTimeout(stop, silence);
  try {
    const response = await reach(path, { headers: headers(), signal: connection.signal });
    if (!response.ok || !response.body) throw await refusalOf(response);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = createParser({
      onEvent: ({ event = "message", data }) => {
        if (event === "ready") {
          begun();
          watcher.onState("live");
        } else if (event === "expired") void link.onExpired();
        else watcher.onEvent({ event, data });
      },
    });
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      clearTimeout(timer);
      timer = setTimeout(stop, silence);
      parser.feed(value);
    }
    watcher.onState("lost");
  } finally {
    clearTimeout(timer);
    stopped.removeEventListener("abort", stop);
  }
}
