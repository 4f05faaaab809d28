// All screens, for those who have signed in.
import "./styles/all.css";
import { Notifications } from "@mantine/notifications";
import { RouterProvider } from "@tanstack/react-router";
import { Queries } from "./api/queries";
import { router } from "./router";

export function Console() {
  return (
    <Queries>
      <Notifications position="bottom-right" limit={4} />
      <RouterProvider router={router} />
    </Queries>
  );
}
