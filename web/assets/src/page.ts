// What every page has: settings that apply at once, menus that close, forms that are sent once, and what is typed kept from being lost.

for (const field of document.querySelectorAll<HTMLSelectElement>("select[data-submit]")) {
  field.addEventListener("change", () => field.form?.requestSubmit());
}

document.addEventListener("click", (e) => {
  for (const open of document.querySelectorAll<HTMLDetailsElement>("details.me[open], details.menu[open]")) {
    if (!open.contains(e.target as Node)) open.open = false;
  }
});
document.addEventListener("keydown", (e) => {
  if (e.key !== "Escape") return;
  for (const open of document.querySelectorAll<HTMLDetailsElement>("details.me[open], details.menu[open]")) open.open = false;
});

// Sent once: a second click on a slow network is not a second report.
for (const form of document.querySelectorAll<HTMLFormElement>('form[method="post"]')) {
  form.addEventListener("submit", (e) => {
    if (form.dataset.sent) {
      e.preventDefault();
      return;
    }
    const question = form.dataset.confirm;
    if (question && !window.confirm(question)) {
      e.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    form.setAttribute("aria-busy", "true");
  });
}
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-sent]")) {
    delete form.dataset.sent;
    form.removeAttribute("aria-busy");
  }
});

// A form that was changed and not sent asks before it is left.
for (const form of document.querySelectorAll<HTMLFormElement>("form[data-guard]")) {
  let changed = false;
  form.addEventListener("input", () => (changed = true));
  form.addEventListener("submit", () => (changed = false));
  window.addEventListener("beforeunload", (e) => {
    if (changed) e.preventDefault();
  });
}

for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-print]")) {
  button.addEventListener("click", () => window.print());
}
