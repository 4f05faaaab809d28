// Outlines of countries, which come with the console. A map draws those in sight: of the world that is a thousandth.
import L from "leaflet";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";

/** One island, or one part of a continent that is one country: its border, and the holes in it. */
interface Piece {
  bounds: L.LatLngBounds;
  rings: GeoJSON.Position[][];
  /** As Leaflet takes them, once it was in sight. */
  corners?: L.LatLng[][];
}

let pieces: Promise<Piece[]> | null = null;

function pieceOf(rings: GeoJSON.Position[][]): Piece {
  let [west, south, east, north] = [180, 90, -180, -90];
  for (const [x = 0, y = 0] of rings[0] ?? []) {
    [west, east] = [Math.min(west, x), Math.max(east, x)];
    [south, north] = [Math.min(south, y), Math.max(north, y)];
  }
  return { bounds: L.latLngBounds([south, west], [north, east]), rings };
}

function land(): Promise<Piece[]> {
  pieces ??= import("world-atlas/countries-50m.json").then(
    (module) => {
      const atlas = module.default as unknown as Topology<{ countries: GeometryCollection }>;
      return feature(atlas, atlas.objects.countries).features.flatMap(({ geometry }) => {
        if (geometry.type === "MultiPolygon") return geometry.coordinates.map(pieceOf);
        return geometry.type === "Polygon" ? [pieceOf(geometry.coordinates)] : [];
      });
    },
    () => {
      // The next map tries again; this one has its grid.
      pieces = null;
      return [];
    },
  );
  return pieces;
}

function cornersOf(piece: Piece): L.LatLng[][] {
  piece.corners ??= L.GeoJSON.coordsToLatLngs(piece.rings, 1) as L.LatLng[][];
  return piece.corners;
}

/** Below all else on the map. What it returns takes it away. */
export function drawLand(on: L.Map, style: L.PathOptions): () => void {
  let end: (() => void) | undefined = () => undefined;
  void land().then((all) => {
    if (!end) return;
    let before: Piece[] = [];
    const drawn = L.polygon([], { ...style, interactive: false }).addTo(on);
    const draw = () => {
      // Leaflet draws a tenth more than is seen, for who drags the map.
      const sight = on.getBounds().pad(0.1);
      const now = all.filter(({ bounds }) => bounds.intersects(sight));
      if (now.length === before.length && now.every((piece, at) => piece === before[at])) return;
      before = now;
      drawn.setLatLngs(now.map(cornersOf));
    };
    draw();
    drawn.bringToBack();
    on.on("moveend", draw);
    end = () => {
      on.off("moveend", draw);
      drawn.remove();
    };
  });
  return () => {
    end?.();
    end = undefined;
  };
}
