// One's own account, and who is notified of alarms.
import { $api, api, type Schemas } from "../../api/client";
import { useChange } from "../../api/changes";

type Notifications = Pick<
  Schemas["StoredNotificationSettings"],
  "mode" | "recipients" | "recipientsByState" | "webhook"
>;

export function useNotifications() {
  return $api.useQuery("get", "/api/v1/notificationSettings", undefined, { refetchOnWindowFocus: false });
}

export function useSaveNotifications() {
  return useChange(
    (body: Notifications) => api.PUT("/api/v1/notificationSettings", { body }),
    ["/api/v1/notificationSettings"],
  );
}

export function useChangePassword() {
  return useChange(
    (body: { currentPassword: string; newPassword: string }) => api.PUT("/api/v1/session/password", { body }),
    [],
  );
}
