// Frames for the logger: a page of history at a time, and new ones as they happen. Bounded, whatever comes.
import { useCallback, useEffect, useRef, useState } from "react";
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

export function useFrames(filters: Filters, live: boolean, decode: boolean): Frames {
  const [lines, setLines] = useState<Line[]>([]);
  const [loading, setLoading] = useState(true);
  const [error, setError] = useState<unknown>(null);
  const [next, setNext] = useState<string | null>(null);
  const [searchedTo, setSearchedTo] = useState<string | null>(null);
  const [state, setState] = useState<LiveState>("off");
  const [dropped, setDropped] = useState(0);
  const [held, setHeld] = useState(0);
  const holding = useRef(false);
  const waiting = useRef<Line[]>([]);
  const busy = useRef(false);
  const key = JSON.stringify({ ...filters, decode });
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
        setLines((known) =>
          before ? merge(known, data.frames, MOST + PAGE) : merge(waiting.current.splice(0), data.frames, MOST),
        );
        setNext(data.next);
        setSearchedTo(data.searchedTo);
      } catch (problem) {
        if (current.current === key) setError(problem);
      } finally {
        busy.current = false;
        if (current.current === key) setLoading(false);
      }
    },
    [key],
  );

  useEffect(() => {
    setLines([]);
    waiting.current = [];
    setHeld(0);
    void fetchPage(null);
  }, [fetchPage]);

  const flush = useCallback(() => {
    const fresh = waiting.current.splice(0);
    setHeld(0);
    if (fresh.length) setLines((known) => merge(fresh, known, MOST));
  }, []);

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
        // What happened while the connection was broken is in the history.
        if (now === "live" && lost) void fetchPage(null);
        lost = now === "lost" || (lost && now !== "live");
      },
      onEvent: ({ event, data }) => {
        if (event === "frames") waiting.current.unshift(...(JSON.parse(data) as Line[]).reverse());
        else if (event === "dropped") setDropped((JSON.parse(data) as { dropped: number }).dropped);
        if (waiting.current.length > MOST) waiting.current.length = MOST;
      },
    });
    const timer = setInterval(() => {
      if (!waiting.current.length) return;
      if (holding.current) setHeld(waiting.current.length);
      else flush();
    }, REFRESH);
    return () => {
      stop();
      clearInterval(timer);
    };
  }, [live, key, fetchPage, flush]);

  // What became of deliveries is known a little later than the frame.
  const shown = useRef(lines);
  shown.current = lines;
  useEffect(() => {
    const timer = setInterval(() => {
      const since = Date.now() - 120_000;
      const open = shown.current
        .filter(
          (line) =>
            line.deviceRef &&
            line.deliveries !== "OK" &&
            line.type.startsWith("UPLINK") &&
            new Date(line.time).getTime() > since,
        )
        .slice(0, 200);
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
  }, []);

  return {
    lines,
    loading,
    error,
    more: next !== null && lines.length < MOST,
    searchedTo,
    state,
    dropped,
    held,
    older: useCallback(() => {
      if (next) void fetchPage(next);
    }, [next, fetchPage]),
    again: useCallback(() => void fetchPage(null), [fetchPage]),
    hold: useCallback(
      (wanted: boolean) => {
        holding.current = wanted;
        if (!wanted) flush();
      },
      [flush],
    ),
  };
}
