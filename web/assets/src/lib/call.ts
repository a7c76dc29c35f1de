// Registering a report while somebody is on the phone: the stopwatch, who calls, the questions of the category, the place, and what is open
// nearby.
import * as L from "leaflet";
import { drawArea, drawMap, mark } from "./place";

const kingdom: L.LatLngTuple = [24.2, 45];

export function call() {
  const form = document.querySelector<HTMLFormElement>("form#call");
  if (!form) return;
  watch(form);
  questions(form);
  const near = () => void fill(form, "near", `/desk/new/near?${params(form, "coordinates", "category")}`);
  pick(form, near);
  const phone = field(form, "citizen_phone");
  phone.addEventListener("change", () => void whoCalls(form));
  (phone as HTMLInputElement).addEventListener("keydown", (e) => {
    if (e.key !== "Enter" || e.ctrlKey) return;
    e.preventDefault(); // looks up, and does not register what is not there yet
    void whoCalls(form).then(() => field(form, "citizen_name").focus());
  });
  field(form, "category").addEventListener("change", () => field(form, "coordinates").value && near());
  form.addEventListener("keydown", (e) => {
    if (e.key === "Enter" && e.ctrlKey) form.requestSubmit();
  });
  if (field(form, "coordinates").value) near();
  document.getElementById("refused")?.focus();
}

type Field = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

const field = (form: HTMLFormElement, name: string) => form.elements.namedItem(name) as Field;

const params = (form: HTMLFormElement, ...names: string[]) => new URLSearchParams(names.map((name) => [name, field(form, name).value]));

// watch runs from when the form was opened, by the server's clock as far as a page can know it: from its first sight on.
function watch(form: HTMLFormElement) {
  const face = document.getElementById("stopwatch")!;
  const digits = new Intl.NumberFormat(document.documentElement.dataset.locale, { minimumIntegerDigits: 2, useGrouping: false });
  const minutes = new Intl.NumberFormat(document.documentElement.dataset.locale, { useGrouping: false });
  const opened = Number(field(form, "opened").value);
  const begun = document.getElementById("refused") ? Math.min(opened, Date.now()) : Date.now();
  const draw = () => {
    const s = Math.max(0, Math.floor((Date.now() - begun) / 1000));
    face.textContent = `${minutes.format(Math.floor(s / 60))}:${digits.format(s % 60)}`;
    face.classList.toggle("over", s > Number(face.dataset.target));
  };
  draw();
  setInterval(draw, 1000);
}

// fill puts a part of the page in place that the server writes.
async function fill(form: HTMLFormElement, id: string, address: string): Promise<HTMLElement | null> {
  const part = document.getElementById(id)!;
  const asked = (part.dataset.asked = address);
  const answer = await fetch(address);
  if (!answer.ok || part.dataset.asked !== asked) return null; // asked for something else since
  part.innerHTML = await answer.text();
  return part;
}

// whoCalls shows who has the phone and fills in what is known of them, where nothing is typed.
async function whoCalls(form: HTMLFormElement) {
  const phone = field(form, "citizen_phone");
  if (phone.value.trim().length < 4) return;
  const known = (await fill(form, "caller", `/desk/new/caller?${new URLSearchParams({ phone: phone.value })}`))?.querySelector<HTMLElement>("[data-phone]");
  if (!known) return;
  for (const [name, value] of [["citizen_name", known.dataset.name], ["citizen_gender", known.dataset.gender], ["citizen_residency", known.dataset.residency]] as const) {
    if (value && !field(form, name).value) field(form, name).value = value;
  }
  if (known.dataset.language) field(form, "language").value = known.dataset.language;
  phone.value = known.dataset.phone!; // also when the number of a report was typed
}

function questions(form: HTMLFormElement) {
  const category = field(form, "category");
  const show = () => {
    for (const set of form.querySelectorAll<HTMLFieldSetElement>("fieldset[data-category]")) set.hidden = set.disabled = set.dataset.category !== category.value;
  };
  category.addEventListener("change", show);
  show(); // a browser that goes back keeps what was chosen
}

function pick(form: HTMLFormElement, moved: () => void) {
  const box = document.getElementById("pick")!;
  const typed = field(form, "coordinates");
  const map = drawMap(box, kingdom, 5);
  let point: L.CircleMarker | undefined;
  const set = (at: L.LatLngTuple) => {
    point?.remove();
    point = mark(map, at);
    moved();
  };
  const read = () => {
    const at = coordinates(typed.value);
    if (!at) return;
    typed.value = at.join(", "); // in Latin digits: others turn the two round
    map.setView(at, Math.max(map.getZoom(), 13));
    set(at);
  };
  map.on("click", (e: L.LeafletMouseEvent) => {
    typed.value = `${e.latlng.lat.toFixed(5)}, ${e.latlng.lng.toFixed(5)}`;
    typed.dispatchEvent(new Event("input", { bubbles: true }));
    set([e.latlng.lat, e.latlng.lng]);
  });
  typed.addEventListener("change", read);
  if (box.dataset.view) void drawArea(map, box.dataset.view).then((area) => area && !point && map.fitBounds(area.getBounds()));
  read();
}

// coordinates as people copy them from a map, in any digits.
function coordinates(s: string): L.LatLngTuple | null {
  const ascii = s.replace(/[٠-٩۰-۹]/g, (d) => String("٠١٢٣٤٥٦٧٨٩".indexOf(d) >= 0 ? "٠١٢٣٤٥٦٧٨٩".indexOf(d) : "۰۱۲۳۴۵۶۷۸۹".indexOf(d))).replace(/٫/g, ".");
  const m = /(-?\d{1,3}(?:\.\d+)?)[\s,،;]+(-?\d{1,3}(?:\.\d+)?)/.exec(ascii);
  if (!m || Math.abs(Number(m[1])) > 90 || Math.abs(Number(m[2])) > 180) return null;
  return [Number(m[1]), Number(m[2])];
}
