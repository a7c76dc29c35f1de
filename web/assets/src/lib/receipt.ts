// A receipt tells what became of its message while somebody looks at it: that goes within seconds, or by the next channel. After a minute the
// page has to be opened again.

const asks = 20;

export async function receipt() {
  const told = document.getElementById("told");
  for (let n = 0; told?.hasAttribute("data-waits") && n < asks; n++) {
    await new Promise((go) => setTimeout(go, 1000 + 200 * n));
    const answer = await fetch(location.href);
    const now = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("told");
    if (!now) return;
    if (now.innerHTML !== told.innerHTML) told.innerHTML = now.innerHTML;
    told.toggleAttribute("data-waits", now.hasAttribute("data-waits"));
  }
}
