// How a map closes in on cells: those of a wide view are large, and get finer with each step.
import type { Schemas } from "../../api/client";

type Cell = Schemas["FailureCell"];
type Box = { south: number; west: number; north: number; east: number };

// Cells of so much of the size are worth another step.
const FINER = 0.7;

export const sizeOf = (cells: Cell[]) => cells[0]?.size ?? 0;

function within({ south, west, size }: Cell, view: Box): boolean {
  return south >= view.south && west >= view.west && south + size <= view.north && west + size <= view.east;
}

/** Whether the map, which shows the cells `shown` in `view`, is to be fitted to these of that view; who has
 * gone elsewhere on the map is not called back. */
export function closesIn(shown: Cell[], fitted: boolean, fine: Cell[], view: Box | null): boolean {
  if (!view || !fine.length || !shown.every((cell) => within(cell, view))) return false;
  return !fitted || sizeOf(fine) < FINER * sizeOf(shown);
}
