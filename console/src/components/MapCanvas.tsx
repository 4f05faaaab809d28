// A map that needs no other host: outlines of countries come with the console. A tile server may be set.
import { useComputedColorScheme } from "@mantine/core";
import L from "leaflet";
import "leaflet/dist/leaflet.css";
import { useEffect, useMemo, useRef, type RefObject } from "react";
import { fixed } from "../format";
import { useSession } from "../session";
import { translate, useT, type Key } from "../text";
import { drawLand } from "./land";
import { turn, unwrapped } from "./places";

export interface Spot {
  id: string;
  latitude: number;
  longitude: number;
  kind: "device" | "station" | "cluster";
  label: string;
  color: string;
  count?: number;
  onClick?: () => void;
  /** Lines to other places, such as the base stations that hear a device. */
  to?: { latitude: number; longitude: number; color: string; label: string }[];
  /** Metres around it in which it may be. */
  radius?: number;
  /** Where it was before, the last first. */
  path?: { latitude: number; longitude: number }[];
}

/** A part of the map in a colour of its own. */
export interface Area {
  id: string;
  south: number;
  west: number;
  size: number;
  color: string;
  label: string;
}

/** A border that is drawn: a circle of so many metres, or corners. */
export interface Outline {
  id: string;
  label: string;
  circle?: { latitude: number; longitude: number; radius: number } | null;
  polygon?: { latitude: number; longitude: number }[] | null;
}

export interface View {
  south: number;
  west: number;
  north: number;
  east: number;
  zoom: number;
}

export interface MapProps {
  label: string;
  spots: Spot[];
  areas?: Area[];
  outlines?: Outline[];
  height?: number;
  onView?: (view: View) => void;
  onPick?: (latitude: number, longitude: number) => void;
  /** Show all spots, or these places, whenever this changes. */
  fit?: string;
  places?: { latitude: number; longitude: number }[];
}

/** Of our own, between Leaflet's for lines (400) and for marks (600). */
const panes = [
  ["areas", "410"],
  ["devices", "420"],
] as const;

function paint(token: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(token).trim();
}

const steps = [30, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001];

/** Meridians and parallels, as close as the zoom wants them, with their degrees at the edge. */
function drawGrid(map: L.Map, lines: L.LayerGroup, color: string): void {
  lines.clearLayers();
  const bounds = map.getBounds();
  const span = Math.min(bounds.getEast() - bounds.getWest(), 360);
  // Five lines, and fewer where that many degrees would lie over each other: a finer step has up to three times as many.
  const least = Math.min(5, map.getSize().x / 70 / 3);
  const step = steps.find((size) => span / size >= least) ?? 0.001;
  const digits = Math.max(0, Math.ceil(-Math.log10(step)));
  const style = { color, weight: 1, interactive: false, opacity: 0.8 };
  const degrees = (value: number, side: Key) => translate(side, { degrees: fixed(Math.abs(value), digits) });
  const label = (at: L.LatLngExpression, text: string, edge: "edge" | "foot") =>
    L.marker(at, {
      interactive: false,
      keyboard: false,
      icon: L.divIcon({ className: `grid-label ${edge}`, html: `<span>${text}</span>`, iconSize: [0, 0] }),
    }).addTo(lines);
  for (let east = Math.ceil(bounds.getWest() / step) * step; east <= bounds.getEast(); east += step) {
    L.polyline(
      [
        [-85, east],
        [85, east],
      ],
      style,
    ).addTo(lines);
    label([bounds.getSouth(), east], degrees(east, east < 0 ? "map.west" : "map.east"), "foot");
  }
  for (
    let north = Math.ceil(Math.max(bounds.getSouth(), -85) / step) * step;
    north <= Math.min(bounds.getNorth(), 85);
    north += step
  ) {
    L.polyline(
      [
        [north, bounds.getWest()],
        [north, bounds.getEast()],
      ],
      style,
    ).addTo(lines);
    label([north, bounds.getEast()], degrees(north, north < 0 ? "map.south" : "map.north"), "edge");
  }
}

type Shared<T> = RefObject<T | null>;

/** Tells of what the map shows, and of clicks. What it returns ends that, and the map. */
function begin(made: L.Map, place: HTMLElement, calls: RefObject<Pick<MapProps, "onView" | "onPick">>): () => void {
  const tell = () => {
    const bounds = made.getBounds();
    calls.current.onView?.({
      south: Math.max(bounds.getSouth(), -90),
      west: Math.max(bounds.getWest(), -180),
      north: Math.min(bounds.getNorth(), 90),
      east: Math.min(bounds.getEast(), 180),
      zoom: made.getZoom(),
    });
  };
  made.on("moveend", tell);
  let zooming = false;
  made.on("zoomanim", () => (zooming = true));
  made.on("zoomend", () => (zooming = false));
  made.on("click", (event) => calls.current.onPick?.(event.latlng.lat, turn(event.latlng.lng)));
  const resize = new ResizeObserver(() => made.invalidateSize());
  resize.observe(place);
  tell();
  return () => {
    resize.disconnect();
    const remove = () => {
      made.remove();
      // Leaflet tells of a new size with a delay, also for a map that is gone.
      made.off();
    };
    // It also goes on with a zoom that has begun.
    if (zooming) made.once("zoomend", () => queueMicrotask(remove));
    else remove();
  };
}

/** A map in its place on the page, made again where it gets tiles or loses them, with a layer for spots. */
function useMap(place: Shared<HTMLElement>, tiles: string, given: Pick<MapProps, "onView" | "onPick">) {
  const map = useRef<L.Map | null>(null);
  const layer = useRef<L.LayerGroup | null>(null);
  const calls = useRef(given);
  calls.current = given;
  useEffect(() => {
    if (!place.current) return;
    const made = L.map(place.current, {
      worldCopyJump: true,
      minZoom: 2,
      maxZoom: 19,
      zoomSnap: 0.5,
      attributionControl: Boolean(tiles),
      zoomControl: false,
    });
    // Devices stay above areas, whichever was drawn first.
    for (const [name, layerOf] of panes) made.createPane(name).style.zIndex = layerOf;
    made.setView([52.1, 5.3], 7);
    made.attributionControl?.setPrefix(false);
    L.control.scale({ imperial: false, position: "topright" }).addTo(made);
    map.current = made;
    layer.current = L.layerGroup().addTo(made);
    const end = begin(made, place.current, calls);
    return () => {
      end();
      map.current = null;
    };
  }, [place, tiles]);
  return { map, layer };
}

/** Outlines of countries under a grid. What it returns takes them away. */
function drawOutlines(on: L.Map, dark: boolean): () => void {
  const grid = L.layerGroup().addTo(on);
  const draw = () => drawGrid(on, grid, dark ? "#3a4046" : "#dbe1e5");
  on.on("moveend", draw);
  draw();
  const clear = drawLand(on, {
    color: dark ? "#5c636a" : "#adb5bd",
    weight: 1,
    fillColor: dark ? "#25292d" : "#f7f9f6",
    fillOpacity: 1,
  });
  return () => {
    on.off("moveend", draw);
    grid.remove();
    clear();
  };
}

/** What lies under all: tiles where they are set, or else outlines. */
function useGround(map: Shared<L.Map>, tiles: string, attribution: string, scheme: string): void {
  useEffect(() => {
    const on = map.current;
    if (!on) return;
    if (!tiles) return drawOutlines(on, scheme === "dark");
    const drawn = L.tileLayer(tiles, { attribution: attribution.replace(/[<>&]/g, " "), maxZoom: 19 }).addTo(on);
    return () => void drawn.remove();
  }, [map, tiles, attribution, scheme]);
}

/** Lines from a spot to other places. */
function drawLines({ latitude, longitude, to = [] }: Spot, on: L.LayerGroup): void {
  for (const end of to)
    L.polyline(
      unwrapped([{ latitude, longitude }, end]).map((at): L.LatLngTuple => [at.latitude, at.longitude]),
      { color: end.color, weight: 2, opacity: 0.8, dashArray: "4 4" },
    )
      .bindTooltip(escaped(end.label))
      .addTo(on);
}

/** How sure a place is, and the way there. */
function drawMovement({ latitude, longitude, color, radius, path = [] }: Spot, on: L.LayerGroup): void {
  const shade = paint(`--mantine-color-${color}-filled`) || color;
  if (radius)
    L.circle([latitude, longitude], {
      pane: "areas",
      radius,
      color: shade,
      weight: 1,
      fillOpacity: 0.15,
      interactive: false,
    }).addTo(on);
  if (path.length)
    L.polyline(
      unwrapped([{ latitude, longitude }, ...path]).map((at): L.LatLngTuple => [at.latitude, at.longitude]),
      { color: shade, weight: 2, opacity: 0.7, interactive: false },
    ).addTo(on);
}

function markerOf(spot: Spot): L.CircleMarker | L.Marker {
  const color = paint(`--mantine-color-${spot.color}-filled`) || spot.color;
  const at: L.LatLngExpression = [spot.latitude, spot.longitude];
  if (spot.kind === "device")
    return L.circleMarker(at, {
      pane: "devices",
      radius: 7,
      color: "#fff",
      weight: 2,
      fillColor: color,
      fillOpacity: 1,
    });
  return L.marker(at, {
    keyboard: true,
    title: spot.label,
    alt: spot.label,
    icon: L.divIcon({
      className: "",
      html: spot.kind === "cluster" ? cluster(spot.count ?? 0, color) : station(color),
      iconSize: spot.kind === "cluster" ? [44, 44] : [26, 26],
    }),
  });
}

/** Spots, with their lines beneath. A click on a cluster goes nearer to it. */
function useSpots(map: Shared<L.Map>, layer: Shared<L.LayerGroup>, spots: Spot[], scheme: string): void {
  useEffect(() => {
    const on = layer.current;
    if (!on) return;
    on.clearLayers();
    for (const spot of spots) {
      drawLines(spot, on);
      drawMovement(spot, on);
    }
    for (const spot of spots) {
      const marker = markerOf(spot);
      marker.bindTooltip(escaped(spot.label));
      if (spot.onClick) marker.on("click", spot.onClick);
      else if (spot.kind === "cluster")
        marker.on("click", () => map.current?.setView([spot.latitude, spot.longitude], map.current.getZoom() + 2));
      marker.addTo(on);
    }
  }, [map, layer, spots, scheme]);
}

function useAreas(map: Shared<L.Map>, areas: Area[] | undefined, scheme: string): void {
  useEffect(() => {
    const on = map.current;
    if (!on || !areas) return;
    const drawn = L.layerGroup().addTo(on);
    for (const { south, west, size, color, label } of areas)
      L.rectangle(
        [
          [south, west],
          [south + size, west + size],
        ],
        { pane: "areas", stroke: false, fillColor: color, fillOpacity: 0.45 },
      )
        .bindTooltip(escaped(label))
        .addTo(drawn);
    return () => void drawn.remove();
  }, [map, areas, scheme]);
}

/** Borders with their names. Clicks go through them to the map. */
function useOutlines(map: Shared<L.Map>, outlines: Outline[] | undefined, scheme: string): void {
  useEffect(() => {
    const on = map.current;
    if (!on || !outlines) return;
    const drawn = L.layerGroup().addTo(on);
    const color = paint("--mantine-primary-color-filled") || "#2f6db3";
    const style = { pane: "areas", color, weight: 2, fillOpacity: 0.15, bubblingMouseEvents: true };
    for (const { label, circle, polygon } of outlines) {
      const corners = unwrapped(polygon ?? []).map((at): L.LatLngTuple => [at.latitude, at.longitude]);
      const border = circle
        ? L.circle([circle.latitude, circle.longitude], { ...style, radius: circle.radius })
        : L.polygon(corners, style);
      border.bindTooltip(escaped(label)).addTo(drawn);
      // One or two corners are no polygon yet.
      for (const at of corners) L.circleMarker(at, { ...style, radius: 3, interactive: false }).addTo(drawn);
    }
    return () => void drawn.remove();
  }, [map, outlines, scheme]);
}

function useZoomButtons(map: Shared<L.Map>, tiles: string): void {
  const t = useT();
  useEffect(() => {
    if (!map.current) return;
    const titles = { zoomInTitle: t("map.zoomIn"), zoomOutTitle: t("map.zoomOut") };
    const buttons = L.control.zoom(titles).addTo(map.current);
    return () => void buttons.remove();
    // Another ground is another map.
  }, [map, tiles, t]);
}

function useFit(map: Shared<L.Map>, fit: string | undefined, all: { latitude: number; longitude: number }[]): void {
  useEffect(() => {
    const on = map.current;
    if (!on || fit === undefined || !all.length) return;
    on.fitBounds(L.latLngBounds(unwrapped(all).map((spot) => [spot.latitude, spot.longitude])), {
      padding: [60, 60],
      maxZoom: 13,
      animate: false,
    });
    // Only when asked for, not with each new spot.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [fit]);
}

export default function MapCanvas(props: MapProps) {
  const { label, spots, areas, outlines, height = 420, onView, onPick, fit, places } = props;
  const place = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme("light");
  const { user } = useSession();
  const tiles = user?.tiles ?? "";
  // A map without one of its marks is better than a page that ends because of it.
  const known = useMemo(
    () => spots.filter(({ latitude, longitude }) => Number.isFinite(latitude) && Number.isFinite(longitude)),
    [spots],
  );
  const { map, layer } = useMap(place, tiles, { onView, onPick });
  useZoomButtons(map, tiles);
  useGround(map, tiles, user?.tilesAttribution ?? "", scheme);
  useSpots(map, layer, known, scheme);
  useAreas(map, areas, scheme);
  useOutlines(map, outlines, scheme);
  useFit(map, fit, places ?? known);
  return (
    <div ref={place} role="region" aria-label={label} className={tiles ? "map" : "map plain"} style={{ height }} />
  );
}

/** Leaflet takes tooltips as HTML; names come from people. */
function escaped(text: string): HTMLElement {
  const box = document.createElement("span");
  box.textContent = text;
  return box;
}

function cluster(count: number, color: string): string {
  const text =
    count >= 1_000_000
      ? `${(count / 1_000_000).toFixed(1)}M`
      : count >= 1000
        ? `${Math.round(count / 1000)}k`
        : String(Math.round(count));
  return `<div class="cluster" style="background:${color}"><span>${text}</span></div>`;
}

function station(color: string): string {
  const mast =
    '<path d="M12 21V11M7.500 12.500a6 6 0 0 1 0-8M16.500 12.500a6 6 0 0 0 0-8"/>' +
    '<circle cx="12" cy="8.500" r="1.600" fill="#fff"/>';
  const line = 'fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round"';
  const picture = `<svg viewBox="0 0 24 24" width="16" height="16" ${line}>${mast}</svg>`;
  return `<div class="station" style="background:${color}">${picture}</div>`;
}
