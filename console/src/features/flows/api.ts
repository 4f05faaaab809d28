// Flows and connections, and how connections are.
import { api, type Schemas } from "../../api/client";
import { $api } from "../../api/queries";
import { useChange, type Readable } from "../../api/changes";

export type Connection = Schemas["Connection"];
export type Flow = Schemas["Flow"];
export type Trial = Schemas["ConnectionTrial"];

const touched = ["/api/v1/connections", "/api/v1/flows"] as const satisfies Readable[];

const connectionPath = (connectionRef: string) => ({ params: { path: { connectionRef } } });
const flowPath = (flowRef: string) => ({ params: { path: { flowRef } } });

/** Read again every few seconds, for connections come and go by themselves. */
export function useConnections() {
  return $api.useQuery("get", "/api/v1/connections", undefined, { refetchInterval: 10_000 });
}

/** Types of connection, and what their forms have. */
export function useConnectionKinds() {
  return $api.useQuery("get", "/api/v1/connectionKinds", undefined, { staleTime: 300_000 });
}

export function useFlows() {
  return $api.useQuery("get", "/api/v1/flows");
}

/** Changes a connection, or creates one. */
export function useSaveConnection(ref: string | undefined) {
  return useChange(
    (body: Connection) =>
      ref === undefined
        ? api.POST("/api/v1/connections", { body })
        : api.PUT("/api/v1/connections/{connectionRef}", { ...connectionPath(ref), body }),
    touched,
  );
}

export function useDeleteConnection(ref: string) {
  return useChange(() => api.DELETE("/api/v1/connections/{connectionRef}", connectionPath(ref)), touched);
}

export function useTryConnection(ref: string) {
  return useChange(() => api.POST("/api/v1/connections/{connectionRef}/trial", connectionPath(ref)), touched);
}

/** Changes a flow, or creates one. */
export function useSaveFlow(ref: string | undefined) {
  return useChange(
    (body: Flow) =>
      ref === undefined
        ? api.POST("/api/v1/flows", { body })
        : api.PUT("/api/v1/flows/{flowRef}", { ...flowPath(ref), body }),
    touched,
  );
}

export function useDeleteFlow(ref: string) {
  return useChange(() => api.DELETE("/api/v1/flows/{flowRef}", flowPath(ref)), touched);
}
