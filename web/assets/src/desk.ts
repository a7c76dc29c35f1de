// The desk: keys for the queue, photos that can be looked at closely, the place of a report, and its registration.
import { call } from "./lib/call";
import { keys } from "./lib/keys";
import { live } from "./lib/live";
import { drawPlaces } from "./lib/place";
import { photos } from "./lib/zoom";

const queue = "balagh-queue"; // where the queue was left, so that the way back from a report leads there

if (location.pathname === "/desk") sessionStorage.setItem(queue, location.href);
for (const link of document.querySelectorAll<HTMLAnchorElement>("a[data-queue]")) link.href = sessionStorage.getItem(queue) ?? link.href;

keys();
photos();
drawPlaces();
call();
live();
