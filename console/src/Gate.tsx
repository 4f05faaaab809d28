// The sign-in form, or the console behind it, which is loaded once it is needed: the form is there quickly on a slow line.
import { Center, Loader } from "@mantine/core";
import { useEffect } from "react";
import { part, preloadWhenIdle } from "./components/lazy";
import { Outside } from "./features/account/Outside";
import { ShowCode, SignIn } from "./features/account/SignIn";
import { useSession } from "./session";
import { useT } from "./text";

const Console = part<object>(() => import("./Console").then((module) => module.Console));
// Pages that links lead to, whoever is signed in.
const links: Record<string, ReturnType<typeof part<object>>> = {
  invitation: part<object>(() => import("./features/account/Links").then((module) => module.Invitation)),
  reset: part<object>(() => import("./features/account/Links").then((module) => module.Reset)),
  forgot: part<object>(() => import("./features/account/Links").then((module) => module.Forgot)),
};
const SetUp = part<object>(() => import("./features/account/SetUp").then((module) => module.SetUp));

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
