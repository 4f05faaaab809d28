// Where the devices of a group on the map may be.

interface Place {
  latitude: number;
  longitude: number;
  /** Of a device that is alone, whose place is exact. */
  ref?: string | null;
}

/** The server counts devices by areas of a tenth of a degree, and tells no more than in which one they are. */
const HALF_AREA = 0.05;

/** Corners of where the devices of a group may be: a map that shows them shows each device. */
export function extent({ latitude, longitude, ref }: Place): { latitude: number; longitude: number }[] {
  if (ref) return [{ latitude, longitude }];
  return [-HALF_AREA, HALF_AREA].map((off) => ({ latitude: latitude + off, longitude: longitude + off }));
}
