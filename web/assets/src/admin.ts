// Forms of administration. The server draws all of them: a button that adds a row sends the form, and what comes back takes its place without
// the page being loaded again; what stands beside a form, such as a preview, follows what is typed.
import { area } from "./lib/area";

async function send(form: HTMLFormElement, act: string): Promise<Document> {
  const body = new URLSearchParams();
  new FormData(form).forEach((value, name) => {
    if (typeof value === "string") body.append(name, value);
  });
  for (const row of form.querySelectorAll<HTMLElement>("details[data-row][open]")) body.append("open", row.dataset.row!);
  body.append("do", act);
  const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" } });
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function replace(selector: string, from: Document): boolean {
  const here = document.querySelector(selector);
  const there = from.querySelector(selector);
  if (!here || !there) return false;
  here.replaceChildren(...there.childNodes);
  return true;
}

function dress(within: ParentNode): void {
  for (const box of within.querySelectorAll<HTMLElement>("[data-area]")) area(box);
}

function rearrange(form: HTMLFormElement): void {
  form.addEventListener("click", async (e) => {
    const button = (e.target as Element).closest<HTMLButtonElement>('button[name="do"]');
    if (!button || form.hasAttribute("aria-busy")) return;
    e.preventDefault();
    form.setAttribute("aria-busy", "true");
    try {
      const answer = await send(form, button.value);
      replace("#aside", answer);
      if (button.value === "look") return;
      if (!replace("form[data-form]", answer)) {
        form.submit(); // the session is lost, say: the page shows it
        return;
      }
      dress(form);
      form.querySelector<HTMLElement>("[autofocus]")?.focus();
      form.dispatchEvent(new Event("input"));
    } finally {
      form.removeAttribute("aria-busy");
    }
  });
}

const PAUSE = 400; // ms without typing, before what is beside the form is asked for

function follow(form: HTMLFormElement): void {
  let waiting = 0;
  let turn = 0;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = window.setTimeout(async () => {
      const mine = ++turn;
      const answer = await send(form, "look");
      if (mine === turn) replace("#aside", answer);
    }, PAUSE);
  });
}

// What goes on while somebody looks, such as a broadcast on its way.
function refresh(box: HTMLElement): void {
  const seconds = Number(box.dataset.refresh);
  window.setTimeout(async () => {
    const answer = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
    for (const selector of ["#aside", "#state"]) replace(selector, answer);
    const next = document.querySelector<HTMLElement>("[data-refresh]");
    if (next) refresh(next);
  }, seconds * 1000);
}

for (const form of document.querySelectorAll<HTMLFormElement>("form[data-form]")) {
  rearrange(form);
  if ("live" in form.dataset) follow(form);
}
dress(document);
(document.querySelector<HTMLElement>("#beside h2") ?? document.querySelector<HTMLElement>('[aria-invalid="true"]'))?.focus();
const going = document.querySelector<HTMLElement>("[data-refresh]");
if (going) refresh(going);
