// One's own account, and who is notified of alarms.
import { api, type Schemas } from "../../api/client";
import { $api } from "../../api/queries";
import { useChange } from "../../api/changes";

type Notifications = Pick<
  Schemas["StoredNotificationSettings"],
  "mode" | "recipients" | "recipientsByState" | "webhook" | "language"
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

export function useSessions() {
  return $api.useQuery("get", "/api/v1/sessions");
}

export function useEndSession() {
  return useChange(
    (sessionId: string) => api.DELETE("/api/v1/sessions/{sessionId}", { params: { path: { sessionId } } }),
    ["/api/v1/sessions"],
  );
}

export function useEndOtherSessions() {
  return useChange(() => api.POST("/api/v1/sessions/endOthers"), ["/api/v1/sessions"]);
}

export function useApiKeys() {
  return $api.useQuery("get", "/api/v1/apiKeys");
}

export function useCreateApiKey() {
  return useChange((body: Schemas["NewApiKey"]) => api.POST("/api/v1/apiKeys", { body }), ["/api/v1/apiKeys"]);
}

export function useRevokeApiKey() {
  return useChange(
    (keyRef: string) => api.DELETE("/api/v1/apiKeys/{keyRef}", { params: { path: { keyRef } } }),
    ["/api/v1/apiKeys"],
  );
}

export function useFactor() {
  return $api.useQuery("get", "/api/v1/secondFactor");
}

export function useRenewCodes() {
  return useChange(
    (body: Partial<Schemas["NewCodes"]>) =>
      api.POST("/api/v1/secondFactor/recoveryCodes", { body: { code: "", password: "", ...body } }),
    ["/api/v1/secondFactor"],
  );
}

export function useRemoveFactor() {
  return useChange(
    (code: string) => api.POST("/api/v1/secondFactor/removal", { body: { code } }),
    ["/api/v1/secondFactor"],
  );
}

export function useIdentities() {
  return $api.useQuery("get", "/api/v1/identities");
}

export function useUnlink() {
  return useChange(
    (identityRef: string) => api.DELETE("/api/v1/identities/{identityRef}", { params: { path: { identityRef } } }),
    ["/api/v1/identities"],
  );
}

export function usePasskeys() {
  return $api.useQuery("get", "/api/v1/passkeys");
}

export function useRenamePasskey() {
  return useChange(
    ({ passkeyRef, name }: { passkeyRef: string; name: string }) =>
      api.PUT("/api/v1/passkeys/{passkeyRef}", { params: { path: { passkeyRef } }, body: { name } }),
    ["/api/v1/passkeys"],
  );
}

export function useRemovePasskey() {
  return useChange(
    ({ passkeyRef, password }: { passkeyRef: string; password: string }) =>
      api.POST("/api/v1/passkeys/{passkeyRef}/removal", { params: { path: { passkeyRef } }, body: { password } }),
    ["/api/v1/passkeys", "/api/v1/secondFactor"],
  );
}
