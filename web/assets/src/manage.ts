// The pages for management: charts, the map, filters that apply at once, and the wall that refreshes itself.
import { draw, drawAll, reverse } from "./lib/chart";
import { drawMap } from "./lib/map";

// A sheet of A4 has room for this much between its margins, in CSS pixels; what is higher is made smaller as a whole.
const sheetHeight = 1040;
function fit(): void {
  const main = document.querySelector<HTMLElement>(".page-print main");
  if (!main) return;
  const buttons = main.querySelector<HTMLElement>(".noprint")?.offsetHeight ?? 0;
  const height = main.scrollHeight - buttons;
  if (height > sheetHeight) main.style.zoom = String(sheetHeight / height);
}

void drawAll().then(fit);
for (const el of document.querySelectorAll<HTMLElement>("[data-map]")) void drawMap(el);

for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-reverse]")) {
  button.addEventListener("click", () => {
    reverse();
    void drawAll();
  });
}

// Days are typed only where a period is not chosen.
const period = document.querySelector<HTMLSelectElement>("select[name=period]");
const showDays = () => {
  for (const el of document.querySelectorAll<HTMLElement>("[data-days]")) el.hidden = period?.value !== "days";
};
if (period) {
  showDays();
  period.addEventListener("change", () => {
    showDays();
    if (period.value === "days") document.querySelector<HTMLInputElement>("input[name=from]")?.focus();
  });
}

// The wall takes what changed out of the page as the server would show it now, and leaves everything else as it is.
const wall = document.querySelector<HTMLElement>("[data-refresh]");
async function refresh(): Promise<void> {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (answer.status === 401 || answer.status === 403) return location.reload();
  if (!answer.ok) throw new Error(`the page answered ${answer.status}`);
  const now = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll<HTMLElement>("[data-live]")) {
    const fresh = now.getElementById(part.id);
    if (fresh && fresh.innerHTML !== part.innerHTML) part.innerHTML = fresh.innerHTML;
  }
  for (const json of document.querySelectorAll<HTMLScriptElement>('script[type="application/json"]')) {
    const fresh = now.getElementById(json.id);
    if (!fresh || fresh.textContent === json.textContent) continue;
    json.textContent = fresh.textContent;
    const el = document.querySelector<HTMLElement>(`[data-chart="${json.id}"]`);
    if (el) draw(el);
  }
}
if (wall) {
  const seconds = Number(wall.dataset.refresh);
  const stale = document.getElementById("stale");
  const again = () =>
    refresh().then(
      () => stale?.setAttribute("hidden", ""),
      () => stale?.removeAttribute("hidden"),
    );
  setInterval(() => void again(), seconds * 1000);
  wall.addEventListener("refresh", () => void again());
}
