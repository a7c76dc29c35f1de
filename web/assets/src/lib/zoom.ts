// Photos of a report, looked at closely: arrows step, + and - (or a click) zoom, the dialog closes with Escape.

const steps = [1, 1.5, 2, 3, 4];

export function photos() {
  const links = [...document.querySelectorAll<HTMLAnchorElement>("a[data-photo]")];
  const dialog = document.querySelector<HTMLDialogElement>("dialog#photo");
  const image = dialog?.querySelector("img");
  if (!dialog || !image || links.length === 0) return;
  let at = 0;
  let size = 0;
  const draw = () => {
    const thumbnail = links[at]!.querySelector("img")!;
    image.src = links[at]!.href;
    image.alt = thumbnail.alt;
    dialog.querySelector("#photo-n")!.textContent = thumbnail.alt;
    image.style.inlineSize = `${100 * steps[size]!}%`;
    image.style.maxBlockSize = size === 0 ? "100%" : "none";
  };
  const step = (by: number) => {
    at = (at + by + links.length) % links.length;
    size = 0;
    draw();
  };
  const zoom = (by: number) => {
    size = Math.min(steps.length - 1, Math.max(0, size + by));
    draw();
  };
  links.forEach((link, i) =>
    link.addEventListener("click", (e) => {
      e.preventDefault();
      at = i;
      size = 0;
      draw();
      dialog.showModal();
    }),
  );
  dialog.querySelectorAll<HTMLElement>("[data-step]").forEach((b) => b.addEventListener("click", () => step(Number(b.dataset.step))));
  dialog.querySelectorAll<HTMLElement>("[data-zoom]").forEach((b) => b.addEventListener("click", () => zoom(b.dataset.zoom === "+" ? 1 : -1)));
  dialog.querySelector("[data-shut]")!.addEventListener("click", () => dialog.close());
  image.addEventListener("click", () => zoom(size === 0 ? 2 : -size));
  const forward = document.documentElement.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
  dialog.addEventListener("keydown", (e) => {
    if (e.key === "+" || e.key === "=") zoom(1);
    else if (e.key === "-") zoom(-1);
    else if (size === 0 && (e.key === "ArrowLeft" || e.key === "ArrowRight")) step(e.key === forward ? 1 : -1);
    else return;
    e.preventDefault();
  });
}
