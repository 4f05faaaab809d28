// What every screen has in common: the tab's title, and who may see it.
import { IconLock } from "@tabler/icons-react";
import { useLocation } from "@tanstack/react-router";
import { useLayoutEffect, type ReactNode } from "react";
import { Empty } from "../components/basics";
import { setTitle } from "../branding";
import { useSession } from "../session";
import { useT, type Key } from "../text";

/** Addresses of screens that only make or change things. */
const CHANGING = /\/(new|import|scan|first-steps)$/;

export function Screen({ title, children }: { title: Key; children: ReactNode }) {
  const t = useT();
  const { mayChange } = useSession();
  const { pathname } = useLocation();
  // Before the screen's own title, which says more and comes with what it has loaded.
  useLayoutEffect(() => {
    setTitle(t(title));
  }, [t, title, pathname]);
  if (!mayChange && CHANGING.test(pathname))
    return <Empty icon={IconLock} title={t("role.roTitle")} text={t("role.roText")} />;
  return <>{children}</>;
}
