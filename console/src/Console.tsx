// All screens, for those who have signed in.
import "./styles/all.css";
import { Notifications } from "@mantine/notifications";
import { RouterProvider } from "@tanstack/react-router";
import { router } from "./router";

export function Console() {
  return (
    <>
      <Notifications position="bottom-right" limit={4} />
      <RouterProvider router={router} />
    </>
  );
}
