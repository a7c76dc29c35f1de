// Keys of the desk: j and k (or arrows) walk through the reports, / searches, n registers one, ? shows them all.

const typing = (e: KeyboardEvent) => (e.target as HTMLElement).closest("input, select, textarea, dialog, [contenteditable]") !== null;

export function keys() {
  const help = document.querySelector<HTMLDialogElement>("dialog#keys");
  document.querySelector("button[data-keys]")?.addEventListener("click", () => help?.showModal());
  document.addEventListener("keydown", (e) => {
    if (e.defaultPrevented || e.ctrlKey || e.altKey || e.metaKey || typing(e)) return;
    if (press(e, help)) e.preventDefault();
  });
}

// press says whether the key meant something. The place of a letter counts, not what the Arabic keyboard writes with it.
function press(e: KeyboardEvent, help: HTMLDialogElement | null): boolean {
  const arrows = document.activeElement === document.body || document.activeElement?.closest("#queue") !== null;
  if (e.code === "KeyJ" || (e.key === "ArrowDown" && arrows)) return walk(1);
  if (e.code === "KeyK" || (e.key === "ArrowUp" && arrows)) return walk(-1);
  if (e.code === "KeyN") return follow('a[data-key="n"]');
  if (e.key === "?" || e.key === "؟") {
    help?.showModal();
    return help !== null;
  }
  if (e.key === "/" || (e.code === "Slash" && !e.shiftKey)) {
    const search = document.querySelector<HTMLInputElement>("input[type=search]");
    search?.focus();
    search?.select();
    return search !== null;
  }
  return false;
}

function walk(step: number): boolean {
  const links = [...document.querySelectorAll<HTMLAnchorElement>("#queue td.number a")];
  if (links.length === 0) return false;
  const here = links.findIndex((a) => a.closest("tr")!.contains(document.activeElement));
  const next = links[here < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, here + step))]!;
  next.focus();
  next.closest("tr")!.scrollIntoView({ block: "nearest" });
  return true;
}

function follow(selector: string): boolean {
  const link = document.querySelector<HTMLAnchorElement>(selector);
  link?.click();
  return link !== null;
}
