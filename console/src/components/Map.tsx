// Maps, loaded when the first one is shown.
import { part } from "./lazy";
import type { MapProps } from "./MapCanvas";

export const WorldMap = part<MapProps>(
  () => import("./MapCanvas").then((module) => module.default),
  (props) => props.height ?? 420,
);
