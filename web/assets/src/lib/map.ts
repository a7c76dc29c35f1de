// Maps of areas coloured by a figure. Without tiles the areas stand alone, so nothing is asked of another host.
import * as L from "leaflet";
import { data } from "./text";

// Shaded is what the server sends (web/manage/map.go), beside the areas, which come from the API.
interface Shaded {
  label: string;
  regions: Record<string, { step: number; text: string; link?: string }>; // by code; step 0 for nothing to show
  none: string; // what is said of an area without a figure
}

interface Areas {
  items: { centre: string; name: string; region?: string; area: GeoJSON.Geometry }[];
}

const shades = ["#d5dbd9", "#a6382c", "#df8b6d", "#d9cfae", "#69a9b5", "#1b6a80"]; // none, and from worst to best

export async function drawMap(el: HTMLElement): Promise<void> {
  const shaded = data<Shaded>(el.dataset.map ?? "");
  const answer = await fetch(el.dataset.areas ?? "", { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const areas = (await answer.json()) as Areas;
  const map = L.map(el, { scrollWheelZoom: false, zoomSnap: 0.25, attributionControl: false, keyboard: true });
  L.control.attribution({ prefix: false }).addTo(map);
  if (el.dataset.tiles) L.tileLayer(el.dataset.tiles, { attribution: el.dataset.attribution }).addTo(map);
  const drawn = L.featureGroup().addTo(map);
  const reach: (() => void)[] = []; // areas are elements once the map has a view
  for (const item of areas.items) {
    const figure = shaded.regions[item.region ?? ""];
    const name = `${el.dataset.prefix ?? ""}${figure?.text ?? `${item.name}: ${shaded.none}`}`;
    const shape = L.geoJSON(item.area, { style: { color: "#fff", weight: 1.5, fillColor: shades[figure?.step ?? 0], fillOpacity: el.dataset.tiles ? 0.7 : 1 } });
    shape.bindTooltip(name, { sticky: true });
    if (figure?.link) shape.on("click", () => location.assign(figure.link!));
    shape.addTo(drawn);
    shape.eachLayer((layer) => reach.push(() => reachable(layer as L.Path, name, figure?.link)));
  }
  if (drawn.getLayers().length) map.fitBounds(drawn.getBounds(), { padding: [6, 6] });
  for (const make of reach) make();
  el.dataset.drawn = "yes";
}

// reachable makes an area part of the page for a keyboard and a screen reader.
function reachable(path: L.Path, name: string, link?: string): void {
  const shape = path.getElement();
  if (!shape) return;
  shape.setAttribute("role", link ? "link" : "img");
  shape.setAttribute("aria-label", name);
  shape.setAttribute("tabindex", "0");
  shape.addEventListener("keydown", (e) => {
    if (link && (e as KeyboardEvent).key === "Enter") location.assign(link);
  });
}
