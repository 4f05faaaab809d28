// An area while it is drawn: what clicks on the map and typed corners make of it.
import type { Schemas } from "../../api/client";
import type { Outline } from "../../components/MapCanvas";
import type { Area } from "./api";

export type Kind = "circle" | "polygon";

export interface Drawing {
  kind: Kind;
  latitude: number | string;
  longitude: number | string;
  radius: number | null;
  /** A corner a line: latitude, longitude. */
  corners: string;
}

export const nothing: Drawing = { kind: "circle", latitude: "", longitude: "", radius: 500, corners: "" };

export function drawingOf(area: Area): Drawing {
  if (area.circle) return { ...nothing, ...area.circle };
  return { ...nothing, kind: "polygon", corners: (area.polygon ?? []).map(line).join("\n") };
}

type Corner = Schemas["Corner"];

const line = (at: Corner) => `${at.latitude}, ${at.longitude}`;

/** The corners that were typed; null where a line is none. */
export function cornersOf(text: string): Corner[] | null {
  const lines = text.split("\n").filter((each) => each.trim());
  const read = lines.map((each) => /^\s*(-?\d+(?:\.\d+)?)\s*[,;\s]\s*(-?\d+(?:\.\d+)?)\s*$/.exec(each));
  const found = read.flatMap((each) => (each ? [{ latitude: Number(each[1]), longitude: Number(each[2]) }] : []));
  return found.length === lines.length ? found : null;
}

/** The drawing after a click on the map: a circle moves there, a polygon has one more corner. */
export function picked(drawing: Drawing, latitude: number, longitude: number): Drawing {
  const at = { latitude: Number(latitude.toFixed(6)), longitude: Number(longitude.toFixed(6)) };
  if (drawing.kind === "circle") return { ...drawing, ...at };
  return { ...drawing, corners: [...drawing.corners.split("\n").filter((each) => each.trim()), line(at)].join("\n") };
}

type Shape = Pick<Schemas["GeofenceBody"], "circle" | "polygon">;

/** What is sent of it; null while it is no area. */
export function shapeOf({ kind, latitude, longitude, radius, corners }: Drawing): Shape | null {
  if (kind === "polygon") {
    const polygon = cornersOf(corners);
    return polygon && polygon.length >= 3 ? { polygon } : null;
  }
  if (typeof latitude !== "number" || typeof longitude !== "number" || !radius) return null;
  return { circle: { latitude, longitude, radius } };
}

/** How it is shown on the map, also while it is not complete. */
export function outlineOf(drawing: Drawing, label: string): Outline[] {
  const shape = shapeOf(drawing);
  if (shape?.circle) return [{ id: "drawing", label, circle: shape.circle }];
  if (drawing.kind === "polygon") return [{ id: "drawing", label, polygon: cornersOf(drawing.corners) ?? [] }];
  return [];
}

/** Places between which the map shows all of an area. */
export function edgesOf(area: Pick<Area, "circle" | "polygon">): Corner[] {
  const { circle, polygon } = area;
  if (!circle) return polygon ?? [];
  const north = circle.radius / 111_195;
  const east = north / Math.max(Math.cos((circle.latitude * Math.PI) / 180), 0.05);
  return [-1, 1].map((side) => ({
    latitude: circle.latitude + side * north,
    longitude: circle.longitude + side * east,
  }));
}
