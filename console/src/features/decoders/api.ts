// Payload decoders, and trials of them.
import { api, type Schemas } from "../../api/client";
import { $api } from "../../api/queries";
import { useChange, type Readable } from "../../api/changes";

type Decoder = Schemas["PayloadDecoder"];

/** Decoders, and what they read. */
const touched = [
  "/api/v1/decoders",
  "/api/v1/decoders/{decoderRef}",
  "/api/v1/frames",
  "/api/v1/devices/{deviceRef}/readings",
  "/api/v1/readings",
] as const satisfies Readable[];

export function useDecoders() {
  return $api.useQuery("get", "/api/v1/decoders");
}

export function useDecoder(ref: string, enabled: boolean) {
  return $api.useQuery(
    "get",
    "/api/v1/decoders/{decoderRef}",
    { params: { path: { decoderRef: ref } } },
    { enabled, refetchOnWindowFocus: false },
  );
}

/** Creates a decoder, or changes the one that `ref` names. */
export function useSaveDecoder(ref: string | null) {
  return useChange(
    (body: Decoder) =>
      ref === null
        ? api.POST("/api/v1/decoders", { body })
        : api.PUT("/api/v1/decoders/{decoderRef}", { params: { path: { decoderRef: ref } }, body }),
    touched,
  );
}

export function useDeleteDecoder(ref: string) {
  return useChange(
    () => api.DELETE("/api/v1/decoders/{decoderRef}", { params: { path: { decoderRef: ref } } }),
    touched,
  );
}

export function useTryDecoder() {
  return useChange((body: Schemas["Lab"]) => api.POST("/api/v1/decoders/lab", { body }), []);
}
