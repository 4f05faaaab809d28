// The sign-in form, or the console behind it, which is loaded once it is needed: the form is there quickly on a slow line.
import { Center, Loader } from "@mantine/core";
import { useEffect, type ComponentType } from "react";
import { part, preloadWhenIdle } from "./components/lazy";
import { Outside } from "./features/account/Outside";
import { ShowCode, SignIn } from "./features/account/SignIn";
import { useSession } from "./session";
import { useT, withTexts } from "./text";

/** A page that is loaded with its texts. */
const behind = (load: () => Promise<ComponentType<object>>) => part<object>(() => withTexts(load));

const Console = behind(() => import("./Console").then((module) => module.Console));
// Pages that links lead to, whoever is signed in.
const links: Record<string, ReturnType<typeof behind>> = {
  invitation: behind(() => import("./features/account/Links").then((module) => module.Invitation)),
  reset: behind(() => import("./features/account/Links").then((module) => module.Reset)),
  forgot: behind(() => import("./features/account/Links").then((module) => module.Forgot)),
};
const SetUp = behind(() => import("./features/account/SetUp").then((module) => module.SetUp));

export function Gate() {
  const t = useT();
  const { user, loading, expired } = useSession();
  const Page = links[window.location.pathname.replace(/^\/console\//, "")];
  const outside = !loading && !user && !Page;
  useEffect(() => (outside ? preloadWhenIdle([Console]) : undefined), [outside]);
  if (Page) return <Page />;
  if (loading)
    return (
      <Center h="100vh">
        <Loader />
      </Center>
    );
  if (!user) return <SignIn />;
  // Who signs in again over a page shows the code there.
  if (user.secondFactor === "code" && !expired)
    return (
      <Outside title={t("factor.title")}>
        <ShowCode />
      </Outside>
    );
  if (user.secondFactor === "setup" && !expired) return <SetUp />;
  return <Console />;
}
