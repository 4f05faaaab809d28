// The users of a subscriber, and invitations.
import { api, type Schemas } from "../../api/client";
import { $api } from "../../api/queries";
import { useChange } from "../../api/changes";

export type Colleague = Schemas["Colleague"];
export type Role = Colleague["role"];
type Language = "en" | "nl";

export function useColleagues() {
  return $api.useQuery("get", "/api/v1/users");
}

export function useInvitations() {
  return $api.useQuery("get", "/api/v1/invitations");
}

export function useInvite() {
  return useChange(
    (body: { email: string; role: Role; language: Language }) => api.POST("/api/v1/invitations", { body }),
    ["/api/v1/invitations"],
  );
}

export function useRenewInvitation() {
  return useChange(
    ({ invitationRef, language }: { invitationRef: string; language: Language }) =>
      api.POST("/api/v1/invitations/{invitationRef}/link", { params: { path: { invitationRef } }, body: { language } }),
    ["/api/v1/invitations"],
  );
}

export function useWithdraw() {
  return useChange(
    (invitationRef: string) =>
      api.DELETE("/api/v1/invitations/{invitationRef}", { params: { path: { invitationRef } } }),
    ["/api/v1/invitations"],
  );
}

export function useChangeColleague(userRef: string) {
  return useChange(
    (body: Schemas["ColleagueChange"]) => api.PUT("/api/v1/users/{userRef}", { params: { path: { userRef } }, body }),
    ["/api/v1/users"],
  );
}

export function useRemoveColleague() {
  return useChange(
    (userRef: string) => api.DELETE("/api/v1/users/{userRef}", { params: { path: { userRef } } }),
    ["/api/v1/users"],
  );
}

export function useAccess(userRef: string) {
  return $api.useQuery("get", "/api/v1/users/{userRef}/access", { params: { path: { userRef } } });
}

export function useEndUserSession(userRef: string) {
  return useChange(
    (sessionId: string) =>
      api.DELETE("/api/v1/users/{userRef}/sessions/{sessionId}", { params: { path: { userRef, sessionId } } }),
    ["/api/v1/users/{userRef}/access", "/api/v1/users"],
  );
}

export function useRevokeUserKey(userRef: string) {
  return useChange(
    (keyRef: string) =>
      api.DELETE("/api/v1/users/{userRef}/apiKeys/{keyRef}", { params: { path: { userRef, keyRef } } }),
    ["/api/v1/users/{userRef}/access", "/api/v1/users"],
  );
}

export function useResetPassword() {
  return useChange(
    ({ userRef, language }: { userRef: string; language: Language }) =>
      api.POST("/api/v1/users/{userRef}/passwordReset", { params: { path: { userRef } }, body: { language } }),
    [],
  );
}

export function useResetFactor() {
  return useChange(
    ({ userRef, language }: { userRef: string; language: Language }) =>
      api.POST("/api/v1/users/{userRef}/secondFactor/reset", { params: { path: { userRef } }, body: { language } }),
    ["/api/v1/users"],
  );
}
