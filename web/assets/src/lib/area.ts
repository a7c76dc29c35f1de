// Shows the area of a GeoJSON field on a map, and takes one from a file.
import * as L from "leaflet";

type Shape = { type?: string; coordinates?: unknown; geometry?: Shape; features?: Shape[]; geometries?: Shape[] };

function points(x: unknown): number {
  if (!Array.isArray(x)) return 0;
  if (typeof x[0] === "number") return 1;
  return x.reduce((n: number, y) => n + points(y), 0);
}

function count(s: Shape): number {
  return points(s.coordinates) + (s.geometry ? count(s.geometry) : 0) + [...(s.features ?? []), ...(s.geometries ?? [])].reduce((n, x) => n + count(x), 0);
}

export function area(box: HTMLElement): void {
  const field = box.querySelector("textarea")!;
  const canvas = box.querySelector<HTMLElement>(".map")!;
  const told = box.querySelector<HTMLElement>("[data-points]")!;
  const upload = box.querySelector<HTMLElement>(".upload")!;
  let map: L.Map | undefined;
  let drawn: L.GeoJSON | undefined;

  function draw(): void {
    drawn?.remove();
    canvas.hidden = true;
    told.textContent = "";
    if (!field.value.trim()) return;
    let shape: Shape;
    let next: L.GeoJSON;
    try {
      shape = JSON.parse(field.value) as Shape;
      next = L.geoJSON(shape as never, { style: { color: "#0f6b5c", weight: 2, fillOpacity: 0.15 } });
      if (!next.getBounds().isValid()) throw new Error("empty");
    } catch {
      told.textContent = box.dataset.wrong ?? "";
      return;
    }
    canvas.hidden = false;
    told.textContent = (told.dataset.points ?? "").replace("#", new Intl.NumberFormat(document.documentElement.dataset.locale).format(count(shape)));
    if (!map) {
      map = L.map(canvas, { attributionControl: false, zoomAnimation: false, scrollWheelZoom: false });
      if (box.dataset.tiles) L.tileLayer(box.dataset.tiles).addTo(map);
    }
    drawn = next.addTo(map);
    map.invalidateSize();
    map.fitBounds(next.getBounds(), { padding: [12, 12], animate: false });
  }

  upload.hidden = false;
  upload.querySelector("input")!.addEventListener("change", async (e) => {
    const file = (e.target as HTMLInputElement).files?.[0];
    if (!file) return;
    field.value = await file.text();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
  field.addEventListener("input", draw);
  draw();
}
