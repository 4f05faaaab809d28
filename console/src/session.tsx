// Who is signed in, and for whom they work; whether the server can be reached.
import { createContext, useCallback, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { api, ApiError, isQuiet, kept, link, probe, type Schemas } from "./api/client";
import { useTexts, type Language } from "./text";

export type User = Schemas["SignedIn"];

interface Session {
  user: User | null;
  loading: boolean;
  /** The session ended by itself; the page stays, and who signs in again goes on with it. */
  expired: boolean;
  reachable: boolean;
  /** The customer whose things are shown; empty for an operator who looks at the network. */
  customerId: string;
  mayChange: boolean;
  /** Whether the users of the customer that is shown may be managed. */
  mayManage: boolean;
  workFor: (customerId: string) => void;
  /** Choose a language: of the page, of what the server says, and of e-mails. */
  speak: (language: Language) => void;
  signIn: (username: string, password: string) => Promise<void>;
  /** Sign in as somebody who has shown who they are in another way. */
  enter: (found: User | undefined) => void;
  /** Show a code of the second factor, which completes signing in. */
  verify: (code: string) => Promise<void>;
  /** The second factor was shown. */
  verified: (found: User | undefined) => void;
  /** Ask again who is signed in, after something of it has changed. */
  renew: () => Promise<void>;
  signOut: () => Promise<void>;
}

const Context = createContext<Session | null>(null);
// Of this tab alone: two tabs may look at two customers.
const stored = "veldnet-customer";

/** Whether the server answers. */
function useReachable(): boolean {
  const [reachable, setReachable] = useState(true);
  useEffect(() => {
    link.onReachable = setReachable;
    // The browser notices first when the line is cut, and when it is back.
    const doubt = () => void probe();
    window.addEventListener("offline", doubt);
    window.addEventListener("online", doubt);
    return () => {
      window.removeEventListener("offline", doubt);
      window.removeEventListener("online", doubt);
    };
  }, []);
  useEffect(() => {
    // A small request now and then tells when the server is back, and of a page that asks nothing when it is away.
    const timer = reachable
      ? setInterval(() => isQuiet() && void probe(), 5000)
      : setInterval(() => void probe(), 3000);
    return () => clearInterval(timer);
  }, [reachable]);
  useEffect(() => {
    // What was shown while the server was away may be old.
    if (reachable) kept.refresh();
  }, [reachable]);
  return reachable;
}

/** The user of the session, and the customer for whom an operator's user works. */
function useIdentity() {
  const { setLanguage } = useTexts();
  const [user, setUser] = useState<User | null>(null);
  const [acting, setActing] = useState("");
  const current = useRef<User | null>(null);
  const take = useCallback(
    (found: User | null) => {
      current.current = found;
      link.csrfToken = found?.csrfToken ?? "";
      const customer = found?.kind === "operator" ? (sessionStorage.getItem(stored) ?? "") : "";
      link.customerId = customer;
      setActing(customer);
      setUser(found);
      if (found?.language && found.language !== document.documentElement.lang) setLanguage(found.language);
    },
    [setLanguage],
  );
  return { user, acting, current, take, setActing };
}

type Identity = ReturnType<typeof useIdentity>;

/** Whether the session ended by itself. Requests wait then for somebody to sign in again. */
function useExpiry(current: Identity["current"]) {
  const [expired, setExpired] = useState(false);
  const waiting = useRef<((again: boolean) => void)[]>([]);
  const settle = useCallback((again: boolean) => {
    setExpired(false);
    waiting.current.splice(0).forEach((resume) => resume(again));
  }, []);
  useEffect(() => {
    link.onExpired = () => {
      if (!current.current) return Promise.resolve(false);
      setExpired(true);
      return new Promise<boolean>((resolve) => waiting.current.push(resolve));
    };
  }, [current]);
  return { expired, settle };
}

/** Asks who is signed in as the page opens, until the server answers. */
function useOpening(take: Identity["take"]): boolean {
  const [loading, setLoading] = useState(true);
  useEffect(() => {
    let again: ReturnType<typeof setTimeout>;
    const ask = async () => {
      try {
        const { data } = await api.GET("/api/v1/session");
        take(data ?? null);
        setLoading(false);
      } catch (error) {
        if (error instanceof ApiError) setLoading(false);
        else again = setTimeout(() => void ask(), 2000);
      }
    };
    void ask();
    return () => clearTimeout(again);
  }, [take]);
  return loading;
}

/** Signing in and out, in all its steps. */
function useSigning({ current, take }: Pick<Identity, "current" | "take">, settle: (again: boolean) => void) {
  return useMemo(() => {
    const enter = (found: User | undefined) => {
      const before = current.current;
      const same = before !== null && before.kind === found?.kind && before.username === found.username;
      if (!same) {
        // Nothing of somebody else's is shown, and nothing is done that they had begun.
        sessionStorage.removeItem(stored);
        kept.forget();
      }
      take(found ?? null);
      // What waits goes on once the second factor was shown, too.
      if (same && found.secondFactor) return;
      settle(same);
      if (same) kept.refresh();
    };
    const verified = (found: User | undefined) => {
      take(found ?? null);
      settle(true);
      kept.refresh();
    };
    return {
      enter,
      verified,
      signIn: async (username: string, password: string) => {
        const { data } = await api.POST("/api/v1/session", { body: { username, password } });
        enter(data);
      },
      verify: async (code: string) => {
        const { data } = await api.POST("/api/v1/session/secondFactor", { body: { code } });
        verified(data);
      },
      renew: async () => {
        const { data } = await api.GET("/api/v1/session");
        take(data ?? null);
      },
      signOut: async () => {
        current.current = null;
        settle(false);
        await api.DELETE("/api/v1/session").catch(() => {});
        sessionStorage.removeItem(stored);
        kept.forget();
        take(null);
      },
    };
  }, [current, take, settle]);
}

/** What a user chooses for the session: the customer to work for, and the language. */
function useChoices({ current, setActing }: Pick<Identity, "current" | "setActing">) {
  const { setLanguage } = useTexts();
  return useMemo(
    () => ({
      workFor: (customerId: string) => {
        if (customerId) sessionStorage.setItem(stored, customerId);
        else sessionStorage.removeItem(stored);
        link.customerId = customerId;
        kept.forget();
        setActing(customerId);
      },
      speak: (language: Language) => {
        setLanguage(language, () => {
          if (!current.current) return;
          void api.PUT("/api/v1/session/language", { body: { language } }).then(
            () => kept.refresh(),
            // The page has the language all the same; the choice is made again another time.
            () => {},
          );
        });
      },
    }),
    [setLanguage, current, setActing],
  );
}

export function SessionProvider({ children }: { children: ReactNode }) {
  const reachable = useReachable();
  const { user, acting, current, take, setActing } = useIdentity();
  const { expired, settle } = useExpiry(current);
  const loading = useOpening(take);
  const signing = useSigning({ current, take }, settle);
  const choices = useChoices({ current, setActing });
  const value = useMemo<Session>(
    () => ({
      user,
      loading,
      expired,
      reachable,
      customerId: user?.kind === "operator" ? acting : (user?.customerId ?? ""),
      mayChange: user !== null && user.role !== "ro",
      mayManage: user !== null && (user.kind === "operator" ? user.role === "rw" : user.role === "admin"),
      ...signing,
      ...choices,
    }),
    [user, loading, expired, reachable, acting, signing, choices],
  );
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

export function useSession(): Session {
  const session = useContext(Context);
  if (!session) throw new Error("no session");
  return session;
}
