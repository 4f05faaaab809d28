// Downlinks: what is read of them, live, and what is changed.
import { keepPreviousData } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { api, type Schemas } from "../../api/client";
import { $api } from "../../api/queries";
import { useChange, type Readable } from "../../api/changes";
import { follow } from "../../api/live";
import { withQuery } from "../../format";
import { gathered, type Downlink, type Status } from "./model";

const touched = [
  "/api/v1/downlinks",
  "/api/v1/downlinks/{downlinkId}",
  "/api/v1/devices/{deviceRef}/session",
  "/data/lora/thingpark/devices/{deviceRef}",
  "/api/v1/frames",
] as const satisfies Readable[];

const path = (deviceRef: string) => ({ params: { path: { deviceRef } } });

/** Ids are longer than numbers here are exact, so they go as the text that came. */
const asIs = (id: string) => id as unknown as number;

export interface Wanted {
  deviceRef?: string;
  status?: Status[];
}

export function useDownlinks({ deviceRef, status }: Wanted, before: string | null, limit: number) {
  const query = {
    deviceRef,
    status: status?.length ? status.join(",") : undefined,
    before: before === null ? undefined : asIs(before),
    limit,
  };
  return $api.useQuery(
    "get",
    "/api/v1/downlinks",
    { params: { query } },
    { placeholderData: keepPreviousData, refetchInterval: 60_000 },
  );
}

export function useDownlink(id: string) {
  return $api.useQuery(
    "get",
    "/api/v1/downlinks/{downlinkId}",
    { params: { path: { downlinkId: id } } },
    { refetchInterval: 30_000 },
  );
}

/** What has become of downlinks since the page was opened, as it happens. `again` is called after a break. */
export function useLiveDownlinks(deviceRef: string | undefined, again: () => void) {
  const [changes, setChanges] = useState<Downlink[]>([]);
  const [live, setLive] = useState(false);
  const call = useRef(again);
  call.current = again;
  useEffect(() => {
    let lost = false;
    setChanges([]);
    return follow(withQuery("/api/v1/downlinks/live", { deviceRef }), {
      onState: (state) => {
        setLive(state === "live");
        if (state === "live" && lost) call.current();
        lost = state === "lost" || (lost && state !== "live");
      },
      onEvent: ({ event, data }) => {
        if (event === "downlinks") setChanges((known) => gathered(known, JSON.parse(data) as Downlink[]));
        else if (event === "dropped") call.current();
      },
    });
  }, [deviceRef]);
  return { changes, live };
}

export function useSendDownlink(ref: string) {
  return useChange(
    (body: Schemas["NewDownlink"]) => api.POST("/api/v1/devices/{deviceRef}/downlinks", { ...path(ref), body }),
    touched,
  );
}

export function useFlushDownlinks(ref: string) {
  return useChange(() => api.DELETE("/api/v1/devices/{deviceRef}/downlinks", path(ref)), touched);
}

export function useCancelDownlink() {
  return useChange(
    ({ deviceRef, id }: Downlink) =>
      api.DELETE("/api/v1/devices/{deviceRef}/downlinks/{downlinkId}", {
        params: { path: { deviceRef, downlinkId: id } },
      }),
    touched,
  );
}
