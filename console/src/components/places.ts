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
