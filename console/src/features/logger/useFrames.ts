// Frames for the logger: a page of history at a time, and new ones as they happen. Bounded, whatever comes.
import { useCallback, useEffect, useRef, useState, type Dispatch, type SetStateAction } from "react";
import { api, type Schemas } from "../../api/client";
import type { operations } from "../../api/schema";
import { follow } from "../../api/live";
import { withQuery } from "../../format";

export type Line = Schemas["Line"];
export type Filters = Omit<
  NonNullable<operations["searchFrames"]["parameters"]["query"]>,
  "before" | "limit" | "decode"
>;
export type LiveState = "off" | "connecting" | "live" | "lost";

/** Lines held at most: about 2 KB each. */
export const MOST = 3000;
/** Arriving lines are shown so many times a second. */
const REFRESH = 250;
const PAGE = 100;

/** An id of a frame is a number with more digits than a number here holds, so it goes as the text that came. */
function asIs(id: string): number {
  return id as unknown as number;
}

export interface Frames {
  lines: Line[];
  loading: boolean;
  error: unknown;
  /** More may be found further back. */
  more: boolean;
  searchedTo: string | null;
  state: LiveState;
  dropped: number;
  /** New lines that wait while somebody reads further down. */
  held: number;
  older: () => void;
  again: () => void;
  hold: (held: boolean) => void;
}

/** Newest first, each once. */
export function merge(fresh: Line[], known: Line[], most: number): Line[] {
  const seen = new Set(fresh.map((line) => line.id));
  return [...fresh, ...known.filter((line) => !seen.has(line.id))]
    .sort((one, other) => (one.id.length - other.id.length || (one.id < other.id ? -1 : 1)) * -1)
    .slice(0, most);
}

type Change = Dispatch<SetStateAction<Line[]>>;

/** New lines that wait to be shown: until the next refresh, or while somebody reads further down. */
function useArrivals(setLines: Change) {
  const [held, setHeld] = useState(0);
  const holding = useRef(false);
  const waiting = useRef<Line[]>([]);
  const take = useCallback(() => {
    setHeld(0);
    return waiting.current.splice(0);
  }, []);
  const flush = useCallback(() => {
    const fresh = take();
    if (fresh.length) setLines((known) => merge(fresh, known, MOST));
  }, [take, setLines]);
  const arrive = useCallback((fresh: Line[]) => {
    waiting.current.unshift(...fresh.reverse());
    if (waiting.current.length > MOST) waiting.current.length = MOST;
  }, []);
  const refresh = useCallback(() => {
    if (!waiting.current.length) return;
    if (holding.current) setHeld(waiting.current.length);
    else flush();
  }, [flush]);
  const hold = useCallback(
    (wanted: boolean) => {
      holding.current = wanted;
      if (!wanted) flush();
    },
    [flush],
  );
  return { held, take, arrive, refresh, hold };
}

/** Pages of what happened before; the first one again for each new `key`, which holds what is looked for. */
function useHistory(key: string, setLines: Change, take: () => Line[]) {
  const [loading, setLoading] = useState(true);
  const [error, setError] = useState<unknown>(null);
  const [next, setNext] = useState<string | null>(null);
  const [searchedTo, setSearchedTo] = useState<string | null>(null);
  const busy = useRef(false);
  const current = useRef(key);
  current.current = key;

  const fetchPage = useCallback(
    async (before: string | null) => {
      if (busy.current && before) return;
      busy.current = true;
      setLoading(true);
      setError(null);
      try {
        const wanted = JSON.parse(key) as Filters & { decode: boolean };
        const { data } = await api.GET("/api/v1/frames", {
          params: { query: { ...wanted, limit: PAGE, before: before === null ? undefined : asIs(before) } },
        });
        if (!data || current.current !== key) return;
        if (before) setLines((known) => merge(known, data.frames, MOST + PAGE));
        else setLines(merge(take(), data.frames, MOST));
        setNext(data.next);
        setSearchedTo(data.searchedTo);
      } catch (problem) {
        if (current.current === key) setError(problem);
      } finally {
        busy.current = false;
        if (current.current === key) setLoading(false);
      }
    },
    [key, setLines, take],
  );

  useEffect(() => {
    setLines([]);
    take();
    void fetchPage(null);
  }, [fetchPage, setLines, take]);

  const older = useCallback(() => {
    if (next) void fetchPage(next);
  }, [next, fetchPage]);
  const again = useCallback(() => void fetchPage(null), [fetchPage]);
  return { loading, error, next, searchedTo, older, again };
}

/** Lines as they happen. `again` fetches what happened while the connection was broken. */
function useLive(
  live: boolean,
  key: string,
  { arrive, refresh }: Pick<ReturnType<typeof useArrivals>, "arrive" | "refresh">,
  again: () => void,
) {
  const [state, setState] = useState<LiveState>("off");
  const [dropped, setDropped] = useState(0);
  useEffect(() => {
    if (!live) {
      setState("off");
      return;
    }
    const wanted = JSON.parse(key) as Record<string, string | boolean>;
    let lost = false;
    const stop = follow(withQuery("/api/v1/frames/live", wanted), {
      onState: (now) => {
        setState(now);
        if (now === "live" && lost) again();
        lost = now === "lost" || (lost && now !== "live");
      },
      onEvent: ({ event, data }) => {
        if (event === "frames") arrive(JSON.parse(data) as Line[]);
        else if (event === "dropped") setDropped((JSON.parse(data) as { dropped: number }).dropped);
      },
    });
    const timer = setInterval(refresh, REFRESH);
    return () => {
      stop();
      clearInterval(timer);
    };
  }, [live, key, again, arrive, refresh]);
  return { state, dropped };
}

/** Whether its deliveries may still change what is known of them. */
function isOpen(line: Line, since: number): boolean {
  return (
    Boolean(line.deviceRef) &&
    line.deliveries !== "OK" &&
    line.type.startsWith("UPLINK") &&
    new Date(line.time).getTime() > since
  );
}

/** What became of deliveries is known a little later than the frame. */
function useDeliveries(lines: Line[], setLines: Change): void {
  const shown = useRef(lines);
  shown.current = lines;
  useEffect(() => {
    const timer = setInterval(() => {
      const since = Date.now() - 120_000;
      const open = shown.current.filter((line) => isOpen(line, since)).slice(0, 200);
      if (!open.length) return;
      void api
        .GET("/api/v1/frames/deliveries", { params: { query: { ids: open.map((line) => line.id).join(",") } } })
        .then(({ data }) => {
          const states = (data?.states ?? {}) as Record<string, string>;
          if (open.some((line) => states[line.id] && states[line.id] !== line.deliveries))
            setLines((known) =>
              known.map((line) => (states[line.id] ? { ...line, deliveries: states[line.id] ?? null } : line)),
            );
        })
        .catch(() => {});
    }, 2500);
    return () => clearInterval(timer);
  }, [setLines]);
}

export function useFrames(filters: Filters, live: boolean, decode: boolean): Frames {
  const [lines, setLines] = useState<Line[]>([]);
  const key = JSON.stringify({ ...filters, decode });
  const arrivals = useArrivals(setLines);
  const history = useHistory(key, setLines, arrivals.take);
  const { state, dropped } = useLive(live, key, arrivals, history.again);
  useDeliveries(lines, setLines);
  return {
    lines,
    loading: history.loading,
    error: history.error,
    more: history.next !== null && lines.length < MOST,
    searchedTo: history.searchedTo,
    state,
    dropped,
    held: arrivals.held,
    older: history.older,
    again: history.again,
    hold: arrivals.hold,
  };
}
