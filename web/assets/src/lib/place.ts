// The place of one report on a map: tiles where a server of them is configured, and the area of its centre.
import * as L from "leaflet";

const inks = { area: "#0f6b5c", point: "#b3261e" };

// drawPlaces draws every place of the page.
export function drawPlaces() {
  for (const box of document.querySelectorAll<HTMLElement>("[data-place]")) {
    const { latitude, longitude, accuracy, centre } = box.dataset;
    const map = drawMap(box, [Number(latitude), Number(longitude)], 15);
    mark(map, [Number(latitude), Number(longitude)]);
    if (accuracy) L.circle([Number(latitude), Number(longitude)], { radius: Number(accuracy), color: inks.point, weight: 1, fillOpacity: 0.08 }).addTo(map);
    if (centre) void drawArea(map, centre, box.dataset.tiles ? undefined : 9);
  }
}

export function mark(map: L.Map, at: L.LatLngTuple) {
  return L.circleMarker(at, { radius: 9, color: "#fff", weight: 3, fillColor: inks.point, fillOpacity: 1 }).addTo(map);
}

export function drawMap(box: HTMLElement, at: L.LatLngTuple, zoom: number) {
  const map = L.map(box, { attributionControl: false, scrollWheelZoom: false }).setView(at, zoom);
  if (box.dataset.tiles) L.tileLayer(box.dataset.tiles, { maxZoom: 19 }).addTo(map);
  return map;
}

// drawArea draws the borders of a centre, and looks from as far as zoom says, so that a map without tiles shows where in its area a place is.
export async function drawArea(map: L.Map, centre: string, zoom?: number): Promise<L.GeoJSON | undefined> {
  const answer = await fetch(`/v1/admin/centres/${encodeURIComponent(centre)}`, { headers: { Accept: "application/json" } });
  if (!answer.ok) return undefined;
  const { area } = (await answer.json()) as { area?: GeoJSON.GeoJsonObject };
  if (!area) return undefined;
  const drawn = L.geoJSON(area, { style: { color: inks.area, weight: 1.5, fillOpacity: 0.06 }, interactive: false }).addTo(map);
  if (zoom) map.setZoom(zoom);
  return drawn;
}
