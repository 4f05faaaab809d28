// Imports of devices.
import { api } from "../../api/client";
import { $api } from "../../api/queries";
import { useChange } from "../../api/changes";
import { listsOfDevices } from "../devices/api";

export const touchedByImport = ["/api/v1/imports", ...listsOfDevices] as const;

export function useImports() {
  return $api.useQuery("get", "/api/v1/imports");
}

/** Deletes the devices of an import, a part of them with each request. */
export function useUndoImport() {
  return useChange(async (ref: string) => {
    for (;;) {
      const { data } = await api.POST("/api/v1/imports/{importRef}/undo", {
        params: { path: { importRef: ref } },
      });
      if (!data?.left) return;
    }
  }, touchedByImport);
}
