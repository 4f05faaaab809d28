// Projects: credentials of programs.
import { api } from "../../api/client";
import { $api } from "../../api/queries";
import { useChange, type Readable } from "../../api/changes";

const touched = ["/api/v1/projects"] as const satisfies Readable[];

export function useProjects() {
  return $api.useQuery("get", "/api/v1/projects");
}

export function useCreateProject() {
  return useChange((name: string) => api.POST("/api/v1/projects", { body: { name } }), touched);
}

export function useNewSecret() {
  return useChange(
    (ref: string) => api.POST("/api/v1/projects/{projectRef}/secret", { params: { path: { projectRef: ref } } }),
    touched,
  );
}

export function useDeleteProject() {
  return useChange(
    (ref: string) => api.DELETE("/api/v1/projects/{projectRef}", { params: { path: { projectRef: ref } } }),
    touched,
  );
}
