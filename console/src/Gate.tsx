// The sign-in form, or the console behind it, which is loaded once it is needed: the form is there quickly on a slow line.
import { Center, Loader } from "@mantine/core";
import { useEffect } from "react";
import { part, preloadWhenIdle } from "./components/lazy";
import { SignIn } from "./features/account/SignIn";
import { useSession } from "./session";

const Console = part<object>(() => import("./Console").then((module) => module.Console));

export function Gate() {
  const { user, loading } = useSession();
  const outside = !loading && !user;
  useEffect(() => (outside ? preloadWhenIdle([Console]) : undefined), [outside]);
  if (loading)
    return (
      <Center h="100vh">
        <Loader />
      </Center>
    );
  return user ? <Console /> : <SignIn />;
}
