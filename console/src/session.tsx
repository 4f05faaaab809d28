// Who is signed in, and for whom they work; whether the server can be reached.
import { useQueryClient } from "@tanstack/react-query";
import { createContext, useCallback, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { api, ApiError, link, probe, type Schemas } from "./api/client";
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

export function SessionProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const { setLanguage } = useTexts();
  const [user, setUser] = useState<User | null>(null);
  const [loading, setLoading] = useState(true);
  const [expired, setExpired] = useState(false);
  const [reachable, setReachable] = useState(true);
  const [acting, setActing] = useState("");
  const current = useRef<User | null>(null);
  // Requests that wait for somebody to sign in again.
  const waiting = useRef<((again: boolean) => void)[]>([]);

  const take = useCallback(
    (found: User | null) => {
      current.current = found;
      link.csrfToken = found?.csrfToken ?? "";
      const kept = found?.kind === "operator" ? (sessionStorage.getItem(stored) ?? "") : "";
      link.customerId = kept;
      setActing(kept);
      setUser(found);
      if (found?.language && found.language !== document.documentElement.lang) setLanguage(found.language);
    },
    [setLanguage],
  );
  const settle = useCallback((again: boolean) => {
    setExpired(false);
    waiting.current.splice(0).forEach((resume) => resume(again));
  }, []);

  useEffect(() => {
    link.onReachable = setReachable;
    link.onExpired = () => {
      if (!current.current) return Promise.resolve(false);
      setExpired(true);
      return new Promise<boolean>((resolve) => waiting.current.push(resolve));
    };
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

  useEffect(() => {
    if (reachable) return;
    // A small request now and then tells when the server is back.
    const timer = setInterval(() => void probe(), 3000);
    return () => clearInterval(timer);
  }, [reachable]);

  useEffect(() => {
    // What was shown while the server was away may be old.
    if (reachable) void queries.invalidateQueries();
  }, [reachable, queries]);

  const enter = useCallback(
    (found: User | undefined) => {
      const before = current.current;
      const same = before !== null && before.kind === found?.kind && before.username === found.username;
      if (!same) {
        // Nothing of somebody else's is shown, and nothing is done that they had begun.
        sessionStorage.removeItem(stored);
        queries.clear();
      }
      take(found ?? null);
      // What waits goes on once the second factor was shown, too.
      if (same && found.secondFactor) return;
      settle(same);
      if (same) void queries.invalidateQueries();
    },
    [queries, settle, take],
  );
  const verified = useCallback(
    (found: User | undefined) => {
      take(found ?? null);
      settle(true);
      void queries.invalidateQueries();
    },
    [queries, settle, take],
  );

  const value = useMemo<Session>(
    () => ({
      user,
      loading,
      expired,
      reachable,
      customerId: user?.kind === "operator" ? acting : (user?.customerId ?? ""),
      mayChange: user !== null && user.role !== "ro",
      mayManage: user !== null && (user.kind === "operator" ? user.role === "rw" : user.role === "admin"),
      workFor: (customerId) => {
        if (customerId) sessionStorage.setItem(stored, customerId);
        else sessionStorage.removeItem(stored);
        link.customerId = customerId;
        queries.clear();
        setActing(customerId);
      },
      speak: (language) => {
        setLanguage(language, () => {
          if (!current.current) return;
          void api.PUT("/api/v1/session/language", { body: { language } }).then(
            () => queries.invalidateQueries(),
            // The page has the language all the same; the choice is made again another time.
            () => {},
          );
        });
      },
      enter,
      verified,
      signIn: async (username, password) => {
        const { data } = await api.POST("/api/v1/session", { body: { username, password } });
        enter(data);
      },
      verify: async (code) => {
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
        queries.clear();
        take(null);
      },
    }),
    [user, loading, expired, reachable, acting, queries, take, settle, setLanguage, enter, verified],
  );
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

export function useSession(): Session {
  const session = useContext(Context);
  if (!session) throw new Error("no session");
  return session;
}
