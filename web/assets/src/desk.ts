// The desk: keys for the queue, photos that can be looked at closely, the place of a report, and its registration.
import { call } from "./lib/call";
import { keys } from "./lib/keys";
import { live } from "./lib/live";
import { drawPlaces } from "./lib/place";
import { receipt } from "./lib/receipt";
import { photos } from "./lib/zoom";

const queue = "balagh-queue"; // where the queue was left, so that the way back from a report leads there

if (location.pathname === "/desk") sessionStorage.setItem(queue, location.href);
for (const link of document.querySelectorAll<HTMLAnchorElement>("a[data-queue]")) link.href = sessionStorage.getItem(queue) ?? link.href;

// A template goes into the text where the cursor was, to be changed before it is sent.
for (const choice of document.querySelectorAll<HTMLSelectElement>("select[data-into]")) {
  const text = document.getElementById(choice.dataset.into!) as HTMLTextAreaElement;
  choice.hidden = false;
  choice.addEventListener("change", () => {
    if (!choice.value) return;
    text.setRangeText(choice.value, text.selectionStart, text.selectionEnd, "end");
    text.dispatchEvent(new Event("input", { bubbles: true }));
    text.focus();
    choice.value = "";
  });
}

keys();
photos();
drawPlaces();
call();
live();
void receipt();
