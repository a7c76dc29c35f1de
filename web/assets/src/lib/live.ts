// What happens while a page is open: reports that changed are marked, new ones are announced with a button to show them. Nothing that
// somebody reads is moved. Without the stream the page asks every minute.

interface Change {
  id: string;
  number: string;
  status: string;
  rev: number;
  change: string;
}

export function live() {
  const box = document.getElementById("live");
  const words = document.getElementById("live-words");
  if (!box || !words) return;
  const say = JSON.parse(words.textContent!) as { fresh: string; changed: string; report: string; show: string };
  const changed = new Set<string>();
  const fresh = new Set<string>();
  const announce = () => {
    const text = box.dataset.report ? say.report : [fresh.size ? say.fresh : "", changed.size ? say.changed : ""].filter(Boolean).join(" ");
    if (box.querySelector("p")?.firstChild?.textContent === text + " ") return; // said already
    const p = document.createElement("p");
    p.className = "note";
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = say.show;
    button.addEventListener("click", () => location.assign(location.pathname + location.search));
    p.append(text + " ", button);
    box.replaceChildren(p);
  };
  const take = (e: Change) => {
    if (box.dataset.report) {
      if (e.id !== box.dataset.report || e.rev <= Number(box.dataset.rev)) return;
    } else {
      const row = document.querySelector<HTMLElement>(`#queue tr[data-id="${CSS.escape(e.id)}"]`);
      if (row) {
        row.classList.add("changed");
        changed.add(e.id);
      } else if (e.change === "received") fresh.add(e.id);
      else return;
    }
    announce();
  };
  const stream = listen(take, () => {
    changed.add("");
    announce();
  });
  stream.addEventListener("open", () => (box.dataset.live = "yes"));
}

// listen to the stream. A browser comes back to it by itself, with the id of the last event, unless the server refused it.
function listen(take: (e: Change) => void, missed: () => void): EventSource {
  const stream = new EventSource("/v1/desk/events");
  stream.addEventListener("report", (e) => take(JSON.parse((e as MessageEvent<string>).data) as Change));
  stream.addEventListener("reload", missed);
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => poll(missed), 60_000);
  });
  window.addEventListener("pagehide", () => stream.close());
  window.addEventListener("pageshow", (e) => {
    if (e.persisted) location.reload();
  });
  return stream;
}

// poll reloads a page on which nothing is being typed, and otherwise says that there may be news.
function poll(missed: () => void) {
  const idle = ["", "BODY", "A"].includes(document.activeElement?.tagName ?? "") && window.scrollY === 0;
  if (idle && document.getElementById("queue")) location.reload();
  else missed();
}
