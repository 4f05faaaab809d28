// Charts, loaded when the first one is shown.
import { Skeleton } from "@mantine/core";
import { lazy, Suspense } from "react";
import type { ChartProps } from "./ChartCanvas";

const Canvas = lazy(() => import("./ChartCanvas"));

export function Chart(props: ChartProps) {
  return (
    <Suspense fallback={<Skeleton height={props.height ?? 240} />}>
      <Canvas {...props} />
    </Suspense>
  );
}
