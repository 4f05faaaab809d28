// Maps, loaded when the first one is shown.
import { Skeleton } from "@mantine/core";
import { lazy, Suspense } from "react";
import type { MapProps } from "./MapCanvas";

const Canvas = lazy(() => import("./MapCanvas"));

export function WorldMap(props: MapProps) {
  return (
    <Suspense fallback={<Skeleton height={props.height ?? 420} />}>
      <Canvas {...props} />
    </Suspense>
  );
}
