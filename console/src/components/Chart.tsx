// Charts, loaded when the first one is shown.
import { part } from "./lazy";
import type { ChartProps } from "./ChartCanvas";

export const Chart = part<ChartProps>(
  () => import("./ChartCanvas").then((module) => module.default),
  (props) => props.height ?? 240,
);
