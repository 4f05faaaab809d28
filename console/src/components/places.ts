// Places as people type them.

/** A number of degrees as people type it, with either decimal sign; null while there is none. */
export function degrees(typed: number | string | undefined, most: number): number | null {
  const value = typeof typed === "number" ? typed : typed?.trim() ? Number(typed.replace(",", ".")) : Number.NaN;
  return Number.isFinite(value) && Math.abs(value) <= most ? value : null;
}

/** Where two fields say that something is; nothing while they are filled in. */
export function placeOf(
  latitude: number | string | undefined,
  longitude: number | string | undefined,
): { latitude: number; longitude: number } | null {
  const north = degrees(latitude, 90);
  const east = degrees(longitude, 180);
  return north === null || east === null ? null : { latitude: north, longitude: east };
}

/** The longitudes of places that belong together, each within half the earth of the first: across the date line they go
    on beyond 180 degrees, for a map that would lead around the earth otherwise. */
export function unwrapped<P extends { longitude: number }>(places: readonly P[]): P[] {
  const first = places[0]?.longitude ?? 0;
  return places.map((at) => ({ ...at, longitude: first + turn(at.longitude - first) }));
}

/** A longitude between -180 and 180. */
export function turn(degrees: number): number {
  return Math.abs(degrees) <= 180 ? degrees : ((((degrees + 180) % 360) + 360) % 360) - 180;
}
