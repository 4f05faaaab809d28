// Where one is and where one goes. Filters live in the address, so that every view can be linked to and the back button works.
import { useNavigate, useSearch, type RegisteredRouter, type RouteById, type RouteIds } from "@tanstack/react-router";
import { useCallback, useEffect, useRef, useState } from "react";

type Tree = RegisteredRouter["routeTree"];
/** The addresses of all screens, with names for their variable parts. */
export type ScreenPath = Exclude<RouteIds<Tree>, "__root__">;
/** The addresses without a variable part. */
export type PlainPath = Exclude<ScreenPath, `${string}$${string}`>;
/** The parameters that a screen keeps in its address. */
export type FiltersOf<Path extends ScreenPath> = RouteById<Tree, Path>["types"]["fullSearchSchema"];

/** The filters in the address, and a function that changes some of them; empty ones go. Changes that come
 * together count together, whatever the page had drawn when they were made. */
export function useFilters<const Path extends ScreenPath>(
  path: Path,
): [FiltersOf<Path>, (change: FiltersOf<Path>) => void] {
  const search: unknown = useSearch({ from: path });
  const navigate = useNavigate();
  const gathered = useRef<object | null>(null);
  const change = useCallback(
    (wanted: FiltersOf<Path>) => {
      if (gathered.current) {
        Object.assign(gathered.current, wanted);
        return;
      }
      gathered.current = { ...wanted };
      queueMicrotask(() => {
        const all = gathered.current ?? {};
        gathered.current = null;
        void navigate({ to: ".", search: (before: object) => ({ ...before, ...all }), replace: true });
      });
    },
    [navigate],
  );
  return [search as FiltersOf<Path>, change];
}

type Typed<Name extends string> = Partial<Record<Name, string>>;

/** Filters that are typed: what stands in the fields, and what follows in the address once nobody types any
 * more. All that was typed meanwhile is taken over, in whichever fields. */
export function useTyped<const Name extends string, Other extends object>(
  names: readonly Name[],
  filters: Typed<Name>,
  change: (wanted: Typed<Name> & Other) => void,
  delay: number,
) {
  const [typed, setTyped] = useState<Typed<Name>>(() => chosen(names, filters));
  const open = useRef<Partial<Typed<Name> & Other>>({});
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const settle = useCallback(() => {
    clearTimeout(timer.current);
    const all = open.current;
    open.current = {};
    if (Object.keys(all).length) change(all as Typed<Name> & Other);
  }, [change]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const type = useCallback(
    (name: Name, value: string, more?: Other) => {
      setTyped((before) => ({ ...before, [name]: value }));
      Object.assign(open.current, { [name]: value }, more);
      clearTimeout(timer.current);
      timer.current = setTimeout(settle, delay);
    },
    [settle, delay],
  );
  /** Set fields and the address at once; what was being typed in others goes along. */
  const put = useCallback(
    (values: Typed<Name> & Partial<Other>) => {
      setTyped((before) => ({ ...before, ...values }));
      Object.assign(open.current, values);
      settle();
    },
    [settle],
  );
  return { typed, type, put };
}

function chosen<Name extends string>(names: readonly Name[], from: Typed<Name>): Typed<Name> {
  const found: Typed<Name> = {};
  for (const name of names) found[name] = from[name];
  return found;
}

/** The same names, all without a value. */
export function cleared<const Name extends string>(names: readonly Name[]): Partial<Record<Name, undefined>> {
  const found: Partial<Record<Name, undefined>> = {};
  for (const name of names) found[name] = undefined;
  return found;
}
