// Parts of the console that are loaded when they are first shown: a failure is said in the page, and tried again.
import { Skeleton } from "@mantine/core";
import { useCallback, useEffect, useState, type ComponentType } from "react";
import { activity, timeouts, probe, Unreachable } from "../api/client";
import { isOutdated, page, useOutdated } from "../api/build";
import { Loading, Problem, Updated } from "./problem";

export interface Part<P extends object> {
  (props: P): React.ReactElement;
  /** Loads it ahead; never fails, for who shows it says what is wrong. */
  preload: () => Promise<void>;
}

const limit = 8000;

function timed<T>(work: Promise<T>): Promise<T> {
  let waiting = false;
  const shown = setTimeout(() => {
    waiting = true;
    activity.add(1);
  }, timeouts.shown);
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Unreachable(false)), limit);
    work.then(resolve, reject).finally(() => {
      clearTimeout(timer);
    });
  }).finally(() => {
    clearTimeout(shown);
    if (waiting) activity.add(-1);
  });
}

/** What is loaded later, or that the server did not answer: browsers say it in words of their own. */
export function later<T>(load: () => Promise<T>): Promise<T> {
  return timed(load()).catch((error: unknown) => {
    throw error instanceof Unreachable ? error : new Unreachable(false);
  });
}

/** A component of a module that is loaded later. `height` is the room it will take. */
export function part<P extends object>(load: () => Promise<ComponentType<P>>, height?: (props: P) => number): Part<P> {
  let loaded: ComponentType<P> | null = null;
  let under: Promise<ComponentType<P>> | null = null;
  // Of a load that has just failed: who shows the part need not wait for a second one.
  let recent: { error: unknown; at: number } | null = null;
  const fetch = () =>
    (under ??= later(load).then(
      (found) => (loaded = found),
      (error: unknown) => {
        under = null;
        recent = { error, at: Date.now() };
        throw error;
      },
    ));
  function Shown(props: P) {
    const [Found, setFound] = useState<ComponentType<P> | null>(() => loaded);
    const [failed, setFailed] = useState<unknown>(() =>
      recent && Date.now() - recent.at < 1000 ? recent.error : null,
    );
    const outdated = useOutdated();
    const [tries, setTries] = useState(failed ? 1 : 0);
    const attempt = useCallback(() => {
      setFailed(null);
      fetch().then(
        (found) => setFound(() => found),
        async (error: unknown) => {
          // A browser may remember that a file could not be had: where the server answers, the page itself is
          // fetched again. After an update the file has another name, which its answer tells.
          const answers = await probe();
          if (tries > 0 && answers && !isOutdated()) page.reload();
          else setFailed(error);
        },
      );
      setTries((before) => before + 1);
    }, [tries]);
    useEffect(() => {
      if (!Found && !failed) attempt();
      // Once; the button tries again.
      // eslint-disable-next-line react-hooks/exhaustive-deps
    }, []);
    if (failed && outdated) return <Updated />;
    if (failed) return <Problem error={failed} retry={attempt} />;
    if (!Found) return height ? <Skeleton height={height(props)} /> : <Loading />;
    return <Found {...props} />;
  }
  Shown.preload = () =>
    fetch().then(
      () => {},
      () => {},
    );
  return Shown;
}

/** Whether the browser was told to spare its line, or its battery. */
function savesData(): boolean {
  return "connection" in navigator && (navigator.connection as { saveData?: boolean }).saveData === true;
}

/** Runs the loads one after the other when the browser has nothing to do; none in a browser that saves data. `done`
 * is the mark in the timings of the page once all have ended. */
export function preloadWhenIdle(parts: { preload: () => Promise<void> }[], done?: string): () => void {
  if (savesData()) return () => {};
  let stopped = false;
  const idle = (run: () => void) =>
    "requestIdleCallback" in window ? window.requestIdleCallback(run, { timeout: 5000 }) : setTimeout(run, 300);
  const next = (at: number) => {
    const one = parts[at];
    if (!one && !stopped && done) performance.mark(done);
    if (!one || stopped) return;
    idle(() => void one.preload().then(() => next(at + 1)));
  };
  next(0);
  return () => {
    stopped = true;
  };
}
