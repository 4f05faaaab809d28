// Who is signed in, and for whom they work; whether the server can be reached.
import { useQueryClient } from "@tanstack/react-query";
import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from "react";
import { api, ApiError, link, type Schemas } from "./api/client";

export type User = Schemas["SignedIn"];

interface Session {
  user: User | null;
  loading: boolean;
  /** The session ended by itself, not by signing out. */
  expired: boolean;
  reachable: boolean;
  /** The customer whose things are shown; empty for an operator who looks at the network. */
  customerId: string;
  mayChange: boolean;
  workFor: (customerId: string) => void;
  signIn: (username: string, password: string) => Promise<void>;
  signOut: () => Promise<void>;
}

const Context = createContext<Session | null>(null);
// Of this tab alone: two tabs may look at two customers.
const stored = "veldnet-customer";

export function SessionProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const [user, setUser] = useState<User | null>(null);
  const [loading, setLoading] = useState(true);
  const [expired, setExpired] = useState(false);
  const [reachable, setReachable] = useState(true);
  const [acting, setActing] = useState("");

  const take = useCallback((found: User | null) => {
    link.csrfToken = found?.csrfToken ?? "";
    const kept = found?.kind === "operator" ? (sessionStorage.getItem(stored) ?? "") : "";
    link.customerId = kept;
    setActing(kept);
    setUser(found);
  }, []);

  useEffect(() => {
    link.onReachable = setReachable;
    link.onExpired = () => {
      setExpired(true);
      take(null);
    };
    let again: ReturnType<typeof setTimeout>;
    const ask = async () => {
      try {
        const { data } = await api.GET("/api/v1/session");
        take(data ?? null);
        setLoading(false);
      } catch (error) {
        if (error instanceof ApiError) setLoading(false);
        else again = setTimeout(ask, 2000);
      }
    };
    void ask();
    return () => clearTimeout(again);
  }, [take]);

  useEffect(() => {
    if (reachable) return;
    // A small request now and then tells when the server is back.
    const timer = setInterval(() => void api.GET("/api/v1/session").catch(() => {}), 3000);
    return () => clearInterval(timer);
  }, [reachable]);

  useEffect(() => {
    // What was shown while the server was away may be old.
    if (reachable) void queries.invalidateQueries();
  }, [reachable, queries]);

  const value = useMemo<Session>(
    () => ({
      user,
      loading,
      expired,
      reachable,
      customerId: user?.kind === "operator" ? acting : (user?.customerId ?? ""),
      mayChange: user?.role === "rw",
      workFor: (customerId) => {
        if (customerId) sessionStorage.setItem(stored, customerId);
        else sessionStorage.removeItem(stored);
        link.customerId = customerId;
        queries.clear();
        setActing(customerId);
      },
      signIn: async (username, password) => {
        const { data } = await api.POST("/api/v1/session", { body: { username, password } });
        sessionStorage.removeItem(stored);
        queries.clear();
        setExpired(false);
        take(data ?? null);
      },
      signOut: async () => {
        await api.DELETE("/api/v1/session").catch(() => {});
        sessionStorage.removeItem(stored);
        queries.clear();
        setExpired(false);
        take(null);
      },
    }),
    [user, loading, expired, reachable, acting, queries, take],
  );
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

export function useSession(): Session {
  const session = useContext(Context);
  if (!session) throw new Error("no session");
  return session;
}
